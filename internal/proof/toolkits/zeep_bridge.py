"""zeep_bridge.py WSDL-URL: calls what the lines on standard input say, with zeep."""
import base64, json, sys
import zeep, zeep.helpers


def plain(v):  # what zeep gives, as JSON can say it
    if isinstance(v, bytes):
        return base64.b64encode(v).decode()
    return str(v)


client = zeep.Client(sys.argv[1])
for line in sys.stdin:
    call = json.loads(line)
    args = call["args"]
    if "receiptDocument" in args:  # zeep encodes xs:base64Binary itself
        args["receiptDocument"]["receiptData"] = base64.b64decode(args["receiptDocument"]["receiptData"])
    try:
        answer = {"return": zeep.helpers.serialize_object(getattr(client.service, call["op"])(**args), dict)}
    except zeep.exceptions.Fault as e:
        answer = {"fault": e.message}
    except Exception as e:
        answer = {"error": repr(e)}
    print(json.dumps(answer, default=plain), flush=True)
