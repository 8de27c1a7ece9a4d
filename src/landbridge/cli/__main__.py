"""``python -m landbridge.cli``."""

from landbridge.cli._app import main

if __name__ == "__main__":
    main()
