"""The text of every exception is one line that a terminal can show."""

import pickle

from landbridge.exceptions import InputError, LandbridgeError, WriteError


def test_line_ends_and_control_characters_are_written_out():
    assert str(InputError("column 'a\nb' holds \x00, \x1b[31m and \u202e.")) == (
        "column 'a b' holds \\x00, \\x1b[31m and \\u202e."
    )
    assert str(WriteError("no\r\n space")) == "no space"
    str(InputError("a \ud800")).encode()


def test_addresses_of_objects_are_omitted_and_long_texts_are_shortened():
    assert str(LandbridgeError("got <object object at 0x7f00>.")) == "got <object object>."
    text = str(InputError("a" * 5000 + " the end"))
    assert len(text) < 700 and text.endswith("the end") and " ... " in text


def test_plain_texts_stay_as_they_are():
    assert str(InputError("größer als 体重.")) == "größer als 体重."
    assert str(pickle.loads(pickle.dumps(InputError("a line.")))) == "a line."
