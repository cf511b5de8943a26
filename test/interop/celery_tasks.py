"""What the worker of test_amqp_celery.py can do; `app` is also what the test sends with."""
import os
import pathlib
import time

from celery import Celery

LIMIT_S = 120


def make_app(url, queue):
    app = Celery("interop", broker=url, backend="rpc://")
    app.conf.update(task_default_queue=queue, broker_transport_options={"confirm_publish": True},
                    broker_connection_retry_on_startup=True)
    return app


app = make_app(os.environ.get("CELERY_BROKER"), os.environ.get("CELERY_QUEUE"))


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="fail")
def fail(text):
    raise ValueError(text)


@app.task(name="flaky", bind=True, max_retries=5)
def flaky(self, failures):
    """Succeeds at last, and says at which try."""
    if self.request.retries < failures:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task(name="append")
def append(path, line):
    with open(path, "a") as file:
        file.write(f"{line}\n")


@app.task(name="hold", bind=True, acks_late=True, reject_on_worker_lost=True)
def hold(self, path):
    """Tells where it runs and goes on for ever, unless it is here again."""
    if self.request.delivery_info["redelivered"]:
        return "redelivered"
    part = pathlib.Path(f"{path}.part")
    part.write_text(str(os.getpid()))
    part.rename(path)
    time.sleep(LIMIT_S)
