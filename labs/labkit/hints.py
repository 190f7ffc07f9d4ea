"""Three levels of help per function, read on demand: a question, a pointer, a worked trace. Never code."""

from labkit.manifest import Manifest


def hint_text(manifest: Manifest, function: str, level: int = 1) -> str:
    """The hint of `function` at `level` (1 to 3), with the levels before it. Raises ValueError for an unknown name."""
    if function not in manifest.hints:
        raise ValueError(
            f"no hint for {function!r} in {manifest.short}; there are hints for: {', '.join(manifest.hints)}"
        )
    levels = manifest.hints[function]
    level = min(max(level, 1), len(levels))
    names = ("A question", "A pointer", "A worked trace")
    parts = [f"{names[i]}\n  " + levels[i].strip().replace("\n", "\n  ") for i in range(level)]
    if level < len(levels):
        parts.append(f"More: python -m labkit hint {manifest.short} {function} --level {level + 1}")
    return "\n\n".join(parts)
