"""What night has happen on its machine."""
import json, os, pathlib, re, subprocess, sys, time, urllib.request

GLASE, PORT = "http://127.0.0.1:8080", "http://127.0.0.1:8081"


def promise(text):
    print("---", text)


def run(*command, ok=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ok and done.returncode:
        sys.exit(f"FAIL: {command}: {done.returncode}\n{done.stdout}")
    return done.stdout.strip()


def until(what, check, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if check():
                return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit(f"FAIL: {what} within {seconds} s\n" + run("kioskd", "status", ok=False))


def must(fact, text):
    if not fact:
        sys.exit(f"FAIL: {text}")


def get(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def status():
    return get(PORT + "/api/status")


def sale():
    """A sale that is on: scanned, and confirmed with the PIN."""
    until("the machine sells", lambda: status()["step"] == "ready" and "qr" in get(PORT + "/api/screen"))
    seen = get(GLASE + "/phone/scan", {"qr": get(PORT + "/api/screen")["qr"], "amount": "50.00", "currency": "SEK"})
    get(GLASE + "/phone/confirm", {"invoiceReference": seen["invoiceReference"], "pin": "1234"})
    until("the customer may choose", lambda: status()["step"] == "choosing")


def cancel():
    get_none(PORT + "/sim/press", {"slot": "cancel"})
    until("the sale is over", lambda: "sale" not in status())


def get_none(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=20).close()


def show(unit, what):
    return run("systemctl", "show", "-P", what, unit)


def drop_in(unit, text):
    folder = pathlib.Path(f"/etc/systemd/system/{unit}.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.conf").write_text(text)
    run("systemctl", "daemon-reload")


promise("before kioskd is there, apt's own units are as Debian has them; with it, they have a window and a condition")
must("6:00" in show("apt-daily-upgrade.timer", "TimersCalendar"), "Debian's timer is another one")
run("dpkg", "-i", "/world/kioskd.deb")
run("systemctl", "daemon-reload")
must("03:00" in show("apt-daily-upgrade.timer", "TimersCalendar"), show("apt-daily-upgrade.timer", "TimersCalendar"))
must("6:00" not in show("apt-daily-upgrade.timer", "TimersCalendar"), "Debian's own time is still there")
must("kioskd idle" in show("apt-daily-upgrade.service", "ExecCondition"), "no condition")
verify = run("systemd-analyze", "verify", "--man=no", "kioskd-reboot.service", "apt-daily-upgrade.service",
             "apt-daily-upgrade.timer", ok=False)
must(not re.search("kioskd|apt-daily", verify), verify)

promise("what apt is told is what unattended-upgrades reads")
told = run("apt-config", "dump")
for line in ['APT::Periodic::Unattended-Upgrade "1"', 'Unattended-Upgrade::Automatic-Reboot "false"',
             'Unattended-Upgrade::Origins-Pattern:: "origin=Raspbian']:
    must(line in told, f"{line} is not in apt's config")
must("label=Debian-Security" in told, "Debian's own origins are gone")
dry = run("unattended-upgrade", "--dry-run", "-v", ok=False)
must("rror in" not in dry and "Traceback" not in dry, dry)

promise("the system's log is bounded")
log = run("systemd-analyze", "cat-config", "systemd/journald.conf")
must("SystemMaxUse=64M" in log, log)
os.makedirs("/var/log/journal", exist_ok=True)
run("systemctl", "restart", "systemd-journald")
run("journalctl", "--flush")
until("journald says so", lambda: re.search(r"max(imum)?( allowed \(set)?.*64(\.0)?M|max 64(\.0)?M", run("journalctl", "-b", "-u", "systemd-journald", "--no-pager")), 20)

promise("a machine without a config is nobody's: the system may upgrade itself")
run("kioskd", "idle")

promise("a kiosk sells")
config = run("kioskd", "check", "--example")
config = config.replace('driver = "terminal"', 'driver = "none"')
pathlib.Path("/etc/kioskd/kioskd.toml").write_text(config)
pathlib.Path("/etc/kioskd/glase.password").write_text("12345678\n")
os.chmod("/etc/kioskd/glase.password", 0o600)
run("chown", "kioskd", "/etc/kioskd/glase.password", "/etc/kioskd/kioskd.toml")
subprocess.Popen(["/world/glasesim", "--listen", "127.0.0.1:8080", "--ups",
                  "123456=http://127.0.0.1:8082/seqr/createPurchase"])
run("systemctl", "start", "kioskd")
run("kioskd", "idle", "--within", "30s")

promise("needrestart knows kioskd's program as replaced, and leaves it alone for the package's sake")
program = os.path.realpath("/usr/bin/kioskd")
run("cp", "-p", program, program + ".new")
run("mv", program + ".new", program)
own = "/etc/needrestart/conf.d/kioskd.conf"
run("perl", "-c", own)
os.rename(own, "/root/kioskd.conf")
must("kioskd.service" in run("needrestart", "-r", "l", "-b", "-l"), "without the package's file it is not listed: the test proves nothing")
os.rename("/root/kioskd.conf", own)
listed = run("needrestart", "-r", "l", "-b", "-l")
must("kioskd" not in listed, listed)
pid = show("kioskd.service", "MainPID")
run("needrestart", "-r", "a", "-l")
must(show("kioskd.service", "MainPID") == pid, "needrestart has restarted kioskd")

promise("while somebody is served the system's upgrade is passed over, or waits; then it runs")
drop_in("apt-daily-upgrade.service", "[Service]\nExecCondition=\nExecCondition=/usr/bin/kioskd idle --within 2s\n"
        "ExecStart=\nExecStart=touch /world/upgraded\nExecStartPre=\n")
drop_in("kioskd-reboot.service", "[Service]\nExecStart=\nExecStart=touch /world/restarted\n")
sale()
must(subprocess.run(["kioskd", "idle"]).returncode == 1, "a machine with a customer is idle")
run("systemctl", "start", "apt-daily-upgrade.service", ok=False)
must(show("apt-daily-upgrade.service", "Result") == "exec-condition", show("apt-daily-upgrade.service", "Result"))
must(not os.path.exists("/world/upgraded"), "it was upgraded in the middle of a sale")
drop_in("apt-daily-upgrade.service", "[Service]\nExecStart=\nExecStart=touch /world/upgraded\nExecStartPre=\n")
run("systemctl", "start", "--no-block", "apt-daily-upgrade.service")
time.sleep(5)
must(not os.path.exists("/world/upgraded") and status()["step"] == "choosing", "it does not wait")
cancel()
until("the system upgrades itself", lambda: os.path.exists("/world/upgraded"))
must(not os.path.exists("/world/restarted"), "it is restarted without a need")

promise("the restart that an upgrade needs waits for a sale too, and from then on nobody begins")
pathlib.Path("/run/reboot-required").touch()
run("systemctl", "start", "apt-daily-upgrade.service")
until("the machine restarts", lambda: os.path.exists("/world/restarted"))
must(status()["reason"] == "upgrade", f"somebody may begin: {status()}")
run("kioskd", "hold", "--for", "0s")
os.remove("/world/restarted")
sale()
run("systemctl", "start", "--no-block", "kioskd-reboot.service")
time.sleep(5)
must(not os.path.exists("/world/restarted") and status()["step"] == "choosing", "it was restarted in the middle of a sale")
cancel()
until("the machine restarts", lambda: os.path.exists("/world/restarted"))
run("kioskd", "hold", "--for", "0s")

promise("the real unattended-upgrades runs by its own unit")
os.remove("/etc/systemd/system/apt-daily-upgrade.service.d/test.conf")
run("systemctl", "daemon-reload")
run("systemctl", "start", "apt-daily-upgrade.service")
must(show("apt-daily-upgrade.service", "Result") == "success", "it fails")

promise("a machine looks at itself under its own unit, and says how the computer is")
until("nobody is served", lambda: status()["step"] == "ready")
found = json.loads(run("kioskd", "selftest", "--json", ok=False))
must({c["name"] for c in found["checks"]} >= {"sensors", "relays", "display", "disk", "card", "journal's pages"}, found)
must(all(c["ok"] for c in found["checks"] if c["name"] in ("sensors", "relays", "display", "disk", "journal's pages")), found)
must(os.path.exists("/var/lib/kioskd/selftest.json"), "its outcome is not kept")
for c in found["checks"]:
    print("   ", "ok  " if c["ok"] else "fail", c["name"] + ":", c["says"])
must("kioskd_disk_free_bytes" in urllib.request.urlopen(PORT + "/metrics").read().decode(), "no metric")

promise("when kioskd has gone, apt's units are Debian's again")
run("systemctl", "stop", "kioskd")
run("kioskd", "idle")
run("dpkg", "--purge", "kioskd")
run("systemctl", "daemon-reload")
must("6:00" in show("apt-daily-upgrade.timer", "TimersCalendar"), "the window is still there")
must(not os.path.exists(own) and not os.path.exists("/etc/apt/apt.conf.d/52kioskd"), "a conffile is left")
