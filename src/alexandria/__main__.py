"""The `alexandria` command."""


def main() -> None:
    raise SystemExit(2)


if __name__ == "__main__":
    main()
