# A worker that measures: vLLM's own image, and beside its libraries the grader in an environment of its own. What it
# measures stays in this container; submissions run in sandboxes of cpu.Dockerfile, which get no device. The context is
# the repository. To pin the base: FROM vllm/vllm-openai:v0.32.0@sha256:… (SECURITY.md).
FROM vllm/vllm-openai:v0.32.0 AS build
WORKDIR /src
RUN python3 -m venv /opt/grader
COPY grader/requirements.lock grader/build.lock ./
RUN pip='/opt/grader/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes' \
 && $pip -r requirements.lock \
 && python3 -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r build.lock
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/grader/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /tmp/wheel/*.whl

FROM vllm/vllm-openai:v0.32.0
COPY --from=build /opt/grader /opt/grader
# the interpreter that has vLLM, by one name wherever the image keeps it
RUN printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v python3)" >/usr/local/bin/engine-python \
 && chmod 755 /usr/local/bin/engine-python \
 && engine-python -c "import importlib.metadata as m; assert m.version('vllm').startswith('0.32.0'), m.version('vllm')"
RUN groupadd --gid 61000 grader \
 && useradd --uid 61000 --gid 61000 --no-create-home --home-dir /var/lib/grader --shell /usr/sbin/nologin grader \
 && install -d -o grader -g grader -m 0700 /var/lib/grader
ENV PATH=/opt/grader/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 GRADER_HOME=/var/lib/grader \
    GRADER_ENGINE=llama3-8b-gpu GRADER_ENGINE_PYTHON=/usr/local/bin/engine-python GRADER_MODELS=/models
USER grader
WORKDIR /var/lib/grader
ENTRYPOINT []
CMD ["grader", "worker"]
