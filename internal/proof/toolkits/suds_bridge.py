"""suds_bridge.py WSDL-URL: calls what the lines on standard input say, with suds."""
import json, sys
import suds, suds.client, suds.sudsobject


def plain(v):  # a suds object, as JSON can say it
    if isinstance(v, suds.sudsobject.Object):
        return {k: plain(x) for k, x in suds.sudsobject.asdict(v).items()}
    if isinstance(v, list):
        return [plain(x) for x in v]
    return v


client = suds.client.Client(sys.argv[1], cache=None)
for line in sys.stdin:
    call = json.loads(line)
    try:
        answer = {"return": plain(getattr(client.service, call["op"])(**call["args"]))}
    except suds.WebFault as e:
        answer = {"fault": str(e.fault.faultstring)}
    except Exception as e:
        answer = {"error": repr(e)}
    print(json.dumps(answer, default=str), flush=True)
