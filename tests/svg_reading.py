"""What a test reads off a picture: its words, its numbers, whether it stays inside and needs no policy's favour."""

import re
import xml.etree.ElementTree as ET

from grader.web.pages.svg import WIDTH

_PLACES = ("x", "x1", "x2", "cx")


def words(svg: str) -> str:
    """What a screen reader says."""
    return ET.fromstring(svg).attrib["aria-label"]


def numbers(svg: str, tag: str, attribute: str) -> list[float]:
    """One attribute of every part of that kind, in order."""
    return [float(part.attrib[attribute]) for part in ET.fromstring(svg).iter() if part.tag == tag]


def inside(svg: str) -> bool:
    """Whether no shape leaves the frame sideways or upwards, and every number is one."""
    assert not re.search(r"[\" >](nan|-?inf)[\" <]", svg)
    height = float(ET.fromstring(svg).attrib["viewBox"].split()[3])
    for part in ET.fromstring(svg).iter():
        if part.tag == "svg":
            continue
        places = [float(part.attrib[name]) for name in _PLACES if name in part.attrib]
        width = float(part.attrib.get("width", 0))
        if any(not -0.2 <= place <= place + width <= WIDTH + 0.2 for place in places):
            return False
        if not 0 <= float(part.attrib.get("y", 0)) <= height:
            return False
        if part.attrib.get("class", "").split()[:1] in (["walk"], ["allowed"]) and "d" in part.attrib:
            along = [float(x) for x in re.findall(r"[ML](-?[\d.]+) ", part.attrib["d"])]
            if not all(-0.2 <= x <= WIDTH + 0.2 for x in along):
                return False
    return True


def safe(svg: str) -> bool:
    """Whether it needs neither a style attribute nor a script nor anything from elsewhere."""
    names = {name for part in ET.fromstring(svg).iter() for name in part.attrib}
    return not names & {"style", "href"} and not any(name.startswith("on") for name in names)
