# What a sandboxed process of the cpu queue finds: an interpreter and libraries, never code, which arrives on standard
# input. Built from this file and requirements.lock alone (grader doctor --build-image) and tagged by both, so an edit is
# a new image. To pin the base too: FROM python:3.11-slim-bookworm@sha256:… (SECURITY.md).
FROM python:3.11-slim-bookworm
COPY requirements.lock /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /tmp/requirements.lock
USER 61002:61002
