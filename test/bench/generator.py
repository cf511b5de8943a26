"""The load generator, `tambo bench`, on a core of its own."""
import json
import subprocess
import time

from broker import Failure, pinned, raise_files

TIMEOUT_S = 90


class Generator:
    def __init__(self, binary, core):
        self.binary, self.core = binary, core

    def start(self, broker, args):
        argv = [self.binary, "bench"] + args + ["--protocol", broker.options["protocol"], "--json", "--host", "127.0.0.1",
                                                "--port", str(broker.port)]
        return subprocess.Popen(pinned(argv, self.core), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, preexec_fn=raise_files)

    def finish(self, process, broker, timeout_s=TIMEOUT_S):
        """Its result: what its JSON says, and under "complaint" what it found wrong."""
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise Failure(broker.ended() or f"not done in {timeout_s} s") from error
        complaint = err.strip().splitlines()[-1] if err.strip() else ""
        if not out.strip():
            raise Failure(broker.ended() or complaint or f"the generator ended with {process.returncode}")
        result = json.loads(out)
        result["complaint"] = complaint.removeprefix("tambo bench: ") if process.returncode != 0 else ""
        return result

    def run(self, broker, args, timeout_s=TIMEOUT_S):
        """The same, with the broker's processor time and the memory it is left with."""
        cpu_s, began = broker.cpu_s(), time.monotonic()
        result = self.finish(self.start(broker, args), broker, timeout_s)
        result["broker_cpu_s"] = broker.cpu_s() - cpu_s
        result["broker_rss_bytes"] = broker.rss_bytes()
        result["wall_s"] = time.monotonic() - began
        return result
