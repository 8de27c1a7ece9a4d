"""Options of the commands, in groups."""

import inspect
from dataclasses import fields

import pytest

from landbridge.cli._options import (
    ConfigOptions,
    NetworkOptions,
    OutputOptions,
    ReadingOptions,
    RunOptions,
    SideOptions,
    takes,
)
from landbridge.cli._transfer import transfer_command

GROUPS = (SideOptions, ReadingOptions, RunOptions, NetworkOptions, ConfigOptions, OutputOptions)


def test_a_command_has_one_option_per_field():
    names = list(inspect.signature(transfer_command).parameters)
    expected = [f.name for g in GROUPS for f in fields(g)]
    assert names == ["source", "target", *expected] and len(set(names)) == len(names)


def test_groups_reach_the_command_whole():
    @takes(run=RunOptions)
    def command(source: str, *, run: RunOptions) -> RunOptions:
        return run

    assert command("a", seed=5) == RunOptions(seed=5)
    with pytest.raises(TypeError):
        command("a", sed=5)
