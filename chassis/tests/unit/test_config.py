from dataclasses import dataclass

import pytest

from chassis.config import ConfigurationError, Secret, Settings


@dataclass(frozen=True, kw_only=True)
class SampleSettings(Settings):
    hold_seconds: int = 3
    enabled: bool = False
    api_key: Secret[str] = Secret("")  # noqa: RUF009
    delays: tuple[float, ...] = ()


def test_a_setting_is_read_from_the_variable_of_its_name():
    settings = SampleSettings.from_environ(
        {"HOLD_SECONDS": "7", "ENABLED": "on", "API_KEY": "hush", "DELAYS": "0.5, 2"}
    )

    assert (settings.hold_seconds, settings.enabled, settings.delays) == (7, True, (0.5, 2.0))
    assert settings.api_key.reveal() == "hush"


def test_what_is_not_set_has_its_default():
    assert SampleSettings.from_environ({}).hold_seconds == 3


@pytest.mark.parametrize(
    ("variable", "text"), [("HOLD_SECONDS", "soon"), ("ENABLED", "maybe"), ("DELAYS", "1,x")]
)
def test_a_variable_that_makes_no_sense_is_named_and_its_value_is_not(variable, text):
    with pytest.raises(ConfigurationError, match=variable) as caught:
        SampleSettings.from_environ({variable: text})

    assert text not in str(caught.value)


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        SampleSettings().hold_seconds = 5


def test_a_secret_does_not_print_itself():
    settings = SampleSettings.from_environ({"API_KEY": "hush", "AMQP_URI": "amqp://me:hush@host"})

    assert "hush" not in repr(settings)
