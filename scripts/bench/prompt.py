"""A pe-script at its prompt, in a pseudo-terminal, as the programs here drive it."""

import os
import pty
import select
import signal
import time

# An empty line at the prompt, after which the cursor stands behind it.
FRESH = b"pe> \r\x1b[4C"


class Prompt:
    """A pe-script in a folder of its own."""

    def __init__(self, program, folder):
        self.began = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(XDG_STATE_HOME=folder, TERM="xterm", NO_COLOR="1")
            os.execv(program, [program])
        self.seen = b""
        self.before = b""

    def wait(self, text, limit_s=60.0):
        """Reads up to `text`; gives the moment at which it came, and keeps what came before it."""
        end = time.perf_counter() + limit_s
        while text not in self.seen:
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self.file], [], [], left)[0]:
                raise SystemExit(f"{text!r} did not come; the end of what came: {self.seen[-300:]!r}")
            self.seen += os.read(self.file, 65536)
        moment = time.perf_counter()
        self.before, self.seen = self.seen.split(text, 1)
        return moment

    def keys(self, text):
        os.write(self.file, text.encode())
        return time.perf_counter()

    def line(self, text, limit_s=60.0):
        """Gives a line and waits for the next prompt."""
        self.keys(text + "\r")
        self.wait(FRESH, limit_s)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)
