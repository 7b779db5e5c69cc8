"""A Gradio app as users write them, with one event for each way to fail."""

import json
from pathlib import Path

import gradio as gr

from otel_mldebug import handle_error


def load(path):
    return Path(path).read_text(encoding="utf-8")


def fails(text):
    return load("/nonexistent/model.bin")


def breaks_off(text):
    yield "Once"
    yield int("upon")


async def in_the_loop(text):
    raise ConnectionRefusedError(111, "Connection refused")


def in_a_batch(texts):
    return list(map(json.loads, texts))


def wrong_picture(text):
    return {"picture": text}


def too_few(text):
    return text


def refuses(text):
    raise gr.Error("Please upload an image first.")


def refuses_silently(text):
    raise gr.Error("Please log in.", print_exception=False)


def hides(text):
    try:
        return {}["bert"]
    except KeyError:
        raise gr.Error("Something went wrong.")  # noqa: B904  (as apps do)


def handled(text):
    try:
        return load("/nonexistent/weights.bin")
    except OSError as exc:
        return json.dumps(handle_error(exc).to_json())


def handled_and_shown(text):
    try:
        return load("/nonexistent/adapter.bin")
    except OSError as exc:
        raise gr.Error(handle_error(exc).text)  # noqa: B904  (as apps do)


def fine(text):
    return text.upper()


with gr.Blocks() as demo:
    text, answer, number, picture = gr.Textbox(), gr.Textbox(), gr.Number(), gr.Image()
    choice = gr.Dropdown(["small", "large"])
    for handler in (fails, breaks_off, in_the_loop, refuses, refuses_silently, hides, handled, handled_and_shown, fine):
        gr.Button().click(handler, text, answer, api_name=handler.__name__)
    gr.Button().click(in_a_batch, text, answer, api_name="in_a_batch", batch=True, concurrency_limit=1)
    gr.Button().click(wrong_picture, text, picture, api_name="wrong_picture")
    gr.Button().click(too_few, text, [answer, number], api_name="too_few")
    gr.Button().click(fails, text, answer, api_name="not_queued", queue=False)
    gr.Button().click(fine, choice, answer, api_name="wrong_choice")

if __name__ == "__main__":
    demo.launch(server_name="127.0.0.1", show_error=True)
