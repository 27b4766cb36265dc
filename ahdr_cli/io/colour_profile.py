"""The name of an embedded ICC profile. It is reported, never applied.

A merge needs the three frames in one space and does not change it; converting would mean
guessing what the user wants. Pillow's LittleCMS reads the profile.
"""

from __future__ import annotations

import io

from ahdr_cli.io.guard import one_line

__all__ = ["profile_name"]


def profile_name(profile: bytes | None) -> str | None:
    """Description of an ICC profile; None without one, "unreadable" for a broken one."""
    if not profile:
        return None
    try:
        from PIL import ImageCms

        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return one_line(ImageCms.getProfileDescription(opened), limit=100) or "unnamed"
    except Exception:  # a foreign block; LittleCMS raises OSError, PyCMSError and others
        return "unreadable"
