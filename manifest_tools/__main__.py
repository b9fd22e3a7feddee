"""``python -m manifest_tools`` is the command line."""

from manifest_tools.cli import main

if __name__ == "__main__":
    main()
