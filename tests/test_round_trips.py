"""What goes to Redis: commands as its protocol writes them."""

from doorstep.round_trips import packed


def test_commands_are_arrays_of_texts_by_their_length_in_bytes() -> None:
    commands = [("SET", "k\u00e4", b"\r\n$", "PX", 60), ("GET", ""), ("INCRBYFLOAT", "k", 0.5)]
    assert packed(commands) == (
        b"*5\r\n$3\r\nSET\r\n$3\r\nk\xc3\xa4\r\n$3\r\n\r\n$\r\n$2\r\nPX\r\n$2\r\n60\r\n"
        b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"
        b"*3\r\n$11\r\nINCRBYFLOAT\r\n$1\r\nk\r\n$3\r\n0.5\r\n"
    )
