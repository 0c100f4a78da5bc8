"""epam, the program through which ejabberd asks PAM, asked by its own Erlang library."""

# bookworm: erlang-p1-pam

import subprocess

import network
import pytest
import table

# For each line "USER REPLY": prints the answer of authenticate and, if that is true, that of acct_mgmt, called as ejabberd calls them.
LOOP = """
    ok = application:start(epam),
    Service = <<"ejabberd">>,
    Answer = fun(User, Reply) ->
        case epam:authenticate(Service, User, Reply) of
            true -> epam:acct_mgmt(Service, User);
            Other -> Other
        end
    end,
    Loop = fun Loop() ->
        case io:get_line("") of
            eof -> halt();
            Line ->
                [User, Reply] = string:lexemes(string:trim(Line), " "),
                io:format("~p~n", [Answer(list_to_binary(User), list_to_binary(Reply))]),
                Loop()
        end
    end,
    io:format("ready~n"),
    Loop().
"""


class Epam(network.Program):
    services = ("ejabberd",)
    name = "epam"

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/bin/erl", "-noshell", "-eval", LOOP], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        said = self.process.stdout.readline()
        assert said == "ready\n", said + self.process.stdout.read()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def log_in(self, person, replies):
        self.process.stdin.write(f"{person} {replies[0]}\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline()
        return told == "true\n", told


@pytest.mark.program("ejabberd (epam)")
def test_epam(row, probe):
    table.compare(row, network.measure(Epam(), probe, row))
