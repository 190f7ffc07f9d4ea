# Otter-Grader as its own image lays it out, without conda and the 2 GB of LaTeX and browsers that only PDFs need.
FROM python:3.11-slim-bookworm
RUN pip install --no-cache-dir otter-grader==7.0.0 ipykernel==7.4.0 numpy==2.4.6
RUN mkdir -p /autograder/source/tests /autograder/submission /autograder/results \
 && touch /autograder/submission_metadata.json
COPY run_autograder /autograder/run_autograder
COPY source /autograder/source
RUN chmod +x /autograder/run_autograder
