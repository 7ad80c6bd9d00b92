"""The dock's look, made from napari's theme, so that dark, light and users' own themes all fit."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.theme import get_theme

__all__ = ["Palette", "palette", "stylesheet"]


@dataclass(frozen=True)
class Palette:
    """The colours of a theme as ``#rrggbb``, and the three of ours that mean something."""

    background: str
    surface: str
    border: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    warning: str
    error: str
    dark: bool


def _mix(one: str, other: str, share: float) -> str:
    """Return ``share`` of ``one`` and the rest of ``other``; colours as #rrggbb."""
    a, b = (bytes.fromhex(c[1:]) for c in (one, other))
    return "#" + "".join(f"{round(x * share + y * (1 - share)):02x}" for x, y in zip(a, b, strict=True))


def palette(theme: str) -> Palette:
    """Return the colours for the named napari theme."""
    colours = get_theme(theme)
    background, text, surface, border = (
        "#" + "".join(f"{v:02x}" for v in getattr(colours, name).as_rgb_tuple(alpha=False))
        for name in ("background", "text", "foreground", "primary")
    )
    dark = sum(bytes.fromhex(background[1:])) < sum(bytes.fromhex(text[1:]))
    return Palette(
        background=background,
        surface=surface,
        border=border,
        text=text,
        muted=_mix(text, background, 0.72),
        accent="#2b7fc4" if dark else "#0b69ad",
        accent_hover="#3d92d8" if dark else "#085489",
        warning="#e0a11b" if dark else "#8a5a00",
        error="#f0705c" if dark else "#b3261e",
        dark=dark,
    )


def stylesheet(p: Palette) -> str:
    """Return the style sheet that the dock lays over napari's own."""
    return f"""
    QWidget#sectionHeader {{ background: {p.surface}; border-radius: 3px; }}
    QWidget#sectionHeader QWidget {{ background: transparent; }}
    QToolButton#fold {{ font-weight: bold; text-align: left; padding: 4px 2px; border: none;
        background: transparent; color: {p.text}; }}
    QLabel[role="summary"], QLabel[role="muted"] {{ color: {p.muted}; background: transparent; }}
    QLabel[role="next"] {{ color: {p.muted}; background: transparent; padding: 1px 0 1px 8px;
        border-left: 3px solid {p.border}; }}
    QLabel[role="next"][now="true"] {{ color: {p.text}; border-left: 3px solid {p.accent}; }}
    QLabel[role="badge"] {{ color: {p.background}; background: {p.warning}; border-radius: 3px;
        padding: 1px 6px; font-weight: bold; }}
    QLabel[role="strong"] {{ font-weight: bold; background: transparent; }}
    QLabel[role="warning"] {{ color: {p.warning}; background: transparent; }}
    QLabel[role="error"] {{ color: {p.error}; background: transparent; }}
    QPushButton {{ padding: 4px 6px; }}
    QPushButton[role="primary"] {{ background: {p.accent}; color: white; font-weight: bold;
        padding: 6px 8px; }}
    QPushButton[role="primary"]:hover {{ background: {p.accent_hover}; }}
    QPushButton[role="primary"]:disabled {{ background: {p.surface}; color: {p.muted};
        border: 1px solid {p.border}; font-weight: normal; }}
    QPushButton[role="stop"] {{ background: transparent; color: {p.error}; border: 1px solid {p.error};
        font-weight: bold; padding: 5px 8px; }}
    QPushButton[role="stop"]:hover {{ background: {p.surface}; }}
    QPushButton[role="flat"] {{ background: transparent; padding: 3px 6px; }}
    QPushButton[role="flat"]:hover {{ background: {p.border}; }}
    QPushButton[role="flat"]:disabled {{ border: none; background: transparent;
        color: {_mix(p.text, p.background, 0.4)}; }}
    QPushButton[role="flat"]::menu-indicator {{ width: 0; image: none; }}
    QPushButton[role="link"] {{ background: transparent; color: {p.accent_hover if p.dark else p.accent};
        text-align: left; padding: 2px 0; border: none; }}
    QPushButton[role="link"]:hover {{ text-decoration: underline; }}
    QPushButton[role="tool"]:checked, QPushButton[role="chip"]:checked {{ background: {p.surface};
        border: 2px solid {p.accent}; padding: 2px 4px; }}
    QPushButton[role="tool"], QPushButton[role="chip"] {{ background: {p.surface};
        border: 2px solid {p.surface};
        padding: 2px 4px; }}
    QPushButton[role="tool"]:hover, QPushButton[role="chip"]:hover {{ border-color: {p.border}; }}
    QPushButton[role="tool"]:checked:hover, QPushButton[role="chip"]:checked:hover {{
        border-color: {p.accent}; }}
    QMenu::item:disabled {{ color: {_mix(p.text, p.background, 0.4)}; }}
    QListView {{ background: {p.surface}; border-radius: 3px; padding: 2px; }}
    QListView::item {{ padding: 3px 4px; }}
    QListView::item:selected, QTableView::item:selected {{ background: {p.accent}; color: white; }}
    QProgressBar {{ background: {p.surface}; border: none; border-radius: 3px; min-height: 6px;
        max-height: 6px; }}
    QProgressBar::chunk {{ background: {p.accent}; border-radius: 3px; }}
    QFrame#message {{ background: {p.surface}; border-radius: 3px; border-left: 4px solid {p.accent}; }}
    QFrame#message[level="warning"] {{ border-left-color: {p.warning}; }}
    QFrame#message[level="error"] {{ border-left-color: {p.error}; }}
    QFrame#message QWidget {{ background: transparent; }}
    QFrame#cheatSheet {{ background: {p.background}; border: 1px solid {p.border}; border-radius: 5px; }}
    QFrame#cheatSheet QScrollArea, QWidget#cheatColumns {{ background: transparent; }}
    QLabel[role="key"] {{ background: {p.surface}; border: 1px solid {p.border}; border-radius: 3px;
        padding: 1px 6px; font-weight: bold; }}
    QLabel[role="said"] {{ padding: 0; background: transparent; }}
    QFrame#drop {{ border: 2px dashed {p.border}; border-radius: 5px; }}
    QFrame#drop QLabel {{ background: transparent; }}
    QCheckBox {{ spacing: 6px; background: transparent; }}
    """
