// bridge.mjs WSDL-URL: calls what the lines on standard input say, with npm's soap.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
const soap = createRequire(process.env.NODE_MODULES + '/')('soap');

const client = await soap.createClientAsync(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const { op, args } = JSON.parse(line);
  let answer;
  try {
    const [result] = await client[op + 'Async'](args);
    answer = { return: result.return };
  } catch (e) {
    const fault = e.root?.Envelope?.Body?.Fault;
    answer = fault ? { fault: fault.faultstring } : { error: String(e) };
  }
  console.log(JSON.stringify(answer));
}
