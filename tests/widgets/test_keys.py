"""The table of keys: nothing twice, nothing that napari uses, and all of it works on the canvas."""

from __future__ import annotations

import pytest

from napari_inkling.widgets.keys import CLASS_KEYS, KEYS, class_key, key_of
from tests.widgets import driving

ALL = [*(key.keys for key in KEYS), *CLASS_KEYS]


def test_no_key_and_no_action_is_there_twice():
    assert len(set(ALL)) == len(ALL)
    assert len({key.action for key in KEYS}) == len(KEYS)
    assert all(key.description and key.group for key in KEYS)


@pytest.mark.parametrize(
    ("index", "wanted", "expected"),
    [(0, "", "Ctrl+1"), (8, "", "Ctrl+9"), (9, "", ""), (3, "7", "Ctrl+7"), (3, "x", "Ctrl+4")],
)
def test_class_keys(index, wanted, expected):
    assert class_key(index, wanted) == expected


def test_key_of():
    assert key_of("undo") == "Ctrl+Z"
    assert key_of("nothing") == ""


@pytest.mark.window
def test_napari_uses_none_of_them(viewer, napari):
    """Compared with the installed napari: layers' own bindings, shortcuts in its settings, and menus."""
    from napari._app_model import get_app_model
    from napari.layers import Image, Labels, Points, Shapes, Surface, Tracks, Vectors
    from napari.settings import get_settings

    used: dict[str, str] = {}
    for cls in (
        Image,
        Labels,
        Points,
        Shapes,
        Surface,
        Tracks,
        Vectors,
        type(viewer),
        type(viewer).__mro__[1],
    ):
        used |= {str(key): cls.__name__ for key in cls.class_keymap}
    for action, bindings in get_settings().shortcuts.shortcuts.items():
        used |= {str(key): action for key in bindings}
    used |= {str(rule.keybinding): rule.command_id for rule in get_app_model().keybindings}
    assert len(used) > 80  # the lists were found
    taken = {key: used[key] for key in ALL if key in used}
    assert taken == {"Ctrl+Z": "Labels", "Ctrl+Shift+Z": "Labels"}


@pytest.mark.window
def test_every_key_reaches_its_action(viewer, qapp):
    from napari_inkling.widgets.canvas_keys import CanvasKeys

    run = []
    actions = {key.action: key.keys for key in KEYS} | {f"class_{n}": k for n, k in enumerate(CLASS_KEYS, 1)}
    before = viewer.bind_key("G", lambda viewer: run.append("before"))
    assert before is None
    keys = CanvasKeys(viewer, {name: (lambda name=name: run.append(name)) for name in actions})
    viewer.window._qt_window.activateWindow()
    driving.settle(0.1)
    for keystroke in actions.values():
        driving.press_key(viewer, keystroke)
    assert run == list(actions)
    keys.close()
    run.clear()
    for keystroke in actions.values():
        driving.press_key(viewer, keystroke)
    assert run == ["before"]


def test_what_a_worker_says_is_run_in_the_owners_thread(qapp):
    import threading

    from napari_inkling.widgets._dispatch import QtDispatcher

    dispatch = QtDispatcher()
    ran = []
    threads = [
        threading.Thread(target=lambda n=n: dispatch(lambda: ran.append((n, threading.current_thread()))))
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert ran == []
    driving.settle()
    assert ran == [(n, threading.main_thread()) for n in range(5)]
    dispatch(lambda: ran.append("late"))
    dispatch.close()
    dispatch(lambda: ran.append("later"))
    driving.settle()
    assert len(ran) == 5
