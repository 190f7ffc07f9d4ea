"""The web application: routes, headers and errors put together around one service."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from grader.dispatcher import Dispatcher
from grader.ports import Queue
from grader.steps.board_news import Boards
from grader.steps.insight import Insights
from grader.steps.service import Service
from grader.web import api, board, errors, git, health, live, rerun_api, webhooks, worker_api
from grader.web.bounds import BodyLimit
from grader.web.git import GitServing
from grader.web.pages import routes, showing
from grader.web.pages.kept import Kept
from grader.web.pages.tending import Panels
from grader.web.secured import Secured
from grader.web.throttle import Throttle
from grader.web.watching import Watchers
from grader.web.webhooks import Webhooks

STATIC = Path(__file__).parent / "pages" / "static"
WRONG_LOGINS_PER_MINUTE = 20
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def make_app(
    service: Service,
    queue: Queue,
    dispatcher: Dispatcher,
    watchers: Watchers,
    serving: GitServing,
    worker_token: str,
    lifespan: Lifespan,
    told: Webhooks | None = None,
) -> FastAPI:
    """The application. `lifespan` starts and stops what runs beside it; `told` is what webhooks are answered from."""
    app = FastAPI(
        title="grader",
        summary="Grades course labs: sandboxed, calibrated, and as fast as a push.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.service = service
    app.state.queue = queue
    app.state.dispatcher = dispatcher
    app.state.watchers = watchers
    app.state.git = serving
    app.state.webhooks = told or Webhooks()
    app.state.worker_token = worker_token
    app.state.boards, app.state.insights = Boards(), Insights()
    app.state.kept, app.state.panels = Kept(), Panels()
    app.state.guesses = Throttle(WRONG_LOGINS_PER_MINUTE, 60.0)
    app.add_middleware(BodyLimit)
    app.add_middleware(Secured)
    errors.install(app, showing.error_page)
    for router in (api, board, rerun_api, live, worker_api, health, git, webhooks, routes):
        app.include_router(router.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
