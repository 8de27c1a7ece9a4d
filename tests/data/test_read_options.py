"""Options of reading."""

import pytest

from landbridge.data import ReadOptions
from landbridge.exceptions import InputError


def test_single_names_mappings_and_themselves():
    options = ReadOptions.of({"drop": "a", "missing": [-999, "none"], "rename": {"Old": "new"}})
    assert options.drop == ("a",) and options.missing == ("-999", "none") and options.rename == (("Old", "new"),)
    assert ReadOptions.of(options) is options and ReadOptions.of(options.to_dict()) == options
    assert ReadOptions.of(None).to_dict() == {} == ReadOptions().to_dict()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dorp": "a"}, "did you mean drop"),
        ({"decimal": ";"}, "decimal must be"),
        ({"header": "no"}, "header must be True or False"),
        ({"rename": [("a",)]}, "rename must map"),
        ({"id": ["a"]}, "id must be text"),
        ("drop", "must be a mapping"),
    ],
)
def test_faults_are_one_line(given, message):
    with pytest.raises(InputError, match=message) as error:
        ReadOptions.of(given)
    assert "\n" not in str(error.value)
