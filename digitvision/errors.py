"""The base of all errors that a user can act on."""


class DigitVisionError(Exception):
    "An error that a user can act on: its message says what is wrong and what to do."


class InvalidInputError(DigitVisionError, ValueError):
    "A name, number or file that the user chose is not valid; the message says why."


class RunsFailedError(DigitVisionError, RuntimeError):
    "Some of several training runs failed; the message says which, and why."
