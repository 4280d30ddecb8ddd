// server.mjs WSDL-FILE ANSWERS-FILE HEARD-FILE PORT: the published interface, served by npm's soap. What it understood of each request
// is a line of HEARD-FILE; what it answers stands in ANSWERS-FILE, by operation.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
const soap = createRequire(process.env.NODE_MODULES + '/')('soap');

const [wsdl, answers, heard, port] = process.argv.slice(2);
const operations = {};
for (const [op, answer] of Object.entries(JSON.parse(readFileSync(answers)))) {
  operations[op] = (args) => {
    appendFileSync(heard, JSON.stringify({ op, args }) + '\n');
    if (answer.fault) throw { Fault: { faultcode: 'soap:Server', faultstring: answer.fault } };
    return { return: answer };
  };
}
const server = createServer((request, response) => response.writeHead(404).end());
soap.listen(server, '/soap', { ERSWSExternalClientServiceService: { ERSWSExternalClientServicePort: operations } }, readFileSync(wsdl, 'utf8'));
server.listen(Number(port), '127.0.0.1');
