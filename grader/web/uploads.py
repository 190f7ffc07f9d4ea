"""Takes an uploaded file out of a form, by hand: who sends it is asked before a byte of it is read."""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from grader.domain.errors import UnreadableSubmission
from grader.web.access import read_form

#: How the form is described to programs.
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                }
            }
        },
    }
}
_ADVICE = "send a form of type multipart/form-data with one file in the field `file`"


async def read_upload(request: Request) -> tuple[str, bytes]:
    """The name and the bytes of the form's `file`. Raises UnreadableSubmission."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnreadableSubmission("this request holds no file", _ADVICE)
    upload = (await read_form(request)).get("file")
    if not isinstance(upload, UploadFile):
        raise UnreadableSubmission("the form has no file in its field `file`", _ADVICE)
    if not upload.filename:
        raise UnreadableSubmission("no file was chosen", "choose your file, then hand it in")
    return upload.filename, await upload.read()
