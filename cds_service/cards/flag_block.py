"""Flags for review on a card: which are shown, in which order, in how much room (decision 37)."""

from __future__ import annotations

from cds_service.cards.markdown import safe
from cds_service.cards.wording import Wording
from cds_service.oncology.model import FLAG_IDS, ClinicalPicture, Flag

GAP = "\n\n"
FLAG_ROOM = 200
FLAG_LINE = 110
SHORTER_FLAGS = (64, 40)


def present_flags(picture: ClinicalPicture, wording: Wording) -> list[Flag]:
    """The flags a card shows, in the order of decision 37."""
    order = {flag: place for place, flag in enumerate((*wording.flags_first, *FLAG_IDS))}
    for place, flag in enumerate(wording.flags_first):
        order[flag] = place
    present = [flag for flag in picture.flags if flag.status == "present"]
    return sorted(present, key=lambda flag: (order.get(flag.id, len(order)), flag.id))


def flag_line(flag: Flag, limit: int = FLAG_LINE) -> str:
    """One flag as the record says it."""
    return safe(flag.because.rstrip("."), limit)


def urgent_flags(flags: list[Flag], wording: Wording) -> list[Flag]:
    """The flags that come first: what the label holds an infusion for, and an earlier CAR-T."""
    return [flag for flag in flags if flag.id in wording.flags_first]


def room_for(flags: list[Flag], wording: Wording) -> int:
    """Characters the flags want, at most 200 beside their heading; 0 without flags."""
    if not flags:
        return 0
    wanted = sum(len(flag_line(flag)) + len("\n- ") for flag in flags)
    return len(GAP) + len(wording.say("flags_head")) + min(wanted, FLAG_ROOM)


def least_room(flags: list[Flag], wording: Wording) -> int:
    """Room to say at least how many flags there are."""
    if not flags:
        return 0
    return len(GAP) + len(wording.say("flags_head")) + len(wording.say("remainder", count=len(flags))) + len("\n- ")


def flag_block(flags: list[Flag], wording: Wording, room: int, *, data: bool) -> str:
    """As many flags as fit, one a line; where room is short the urgent ones are clipped, the others counted.

    At least one is named where it fits in any length. ``data`` says that the card carries the whole list.
    """
    if not flags:
        return ""
    wanted = max(1, len(urgent_flags(flags, wording)))
    best, shown = _fitting_flags(flags, FLAG_LINE, wording, room, data=data)
    for limit in SHORTER_FLAGS:
        if shown >= wanted:
            break
        tried, fitting = _fitting_flags(flags, limit, wording, room, data=data)
        if fitting > shown:
            best, shown = tried, fitting
    return best


def _fitting_flags(flags: list[Flag], limit: int, wording: Wording, room: int, *, data: bool) -> tuple[str, int]:
    shown = [f"- {flag_line(flag, limit)}" for flag in flags]
    for count in range(len(shown), -1, -1):
        rows = shown[:count]
        if count < len(shown):
            rest = "remainder" if count else "only_counted"
            rows.append(f"- {wording.say(rest if data else f'{rest}_no_data', count=len(shown) - count)}")
        block = "\n".join((wording.say("flags_head"), *rows))
        if len(block) <= room:
            return block, count
    return "", 0
