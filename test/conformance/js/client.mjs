// The unmodified JavaScript SDK as a workload or an operator uses it: client.mjs ACTION [JSON], one JSON document on stdout.
// A refusal is {"error": CODE, "status": HTTP STATUS, "message": TEXT}. `client.mjs -` takes a line "ACTION JSON" from stdin at a time and
// answers each with a line: one long-lived process, whose credentials the SDK keeps and renews.
import * as readline from "node:readline";
import * as eks from "@aws-sdk/client-eks";
import * as iam from "@aws-sdk/client-iam";
import * as sts from "@aws-sdk/client-sts";

const services = [
  [sts, new sts.STSClient({})],
  [iam, new iam.IAMClient({})],
  [eks, new eks.EKSClient({})],
];

async function call(action, input) {
  const [service, client] = services.find(([s]) => s[`${action}Command`]) ?? [];
  if (!service) {
    console.error(`client.mjs: no such action: ${action}`);
    return false;
  }
  try {
    const { $metadata, ...output } = await client.send(new service[`${action}Command`](JSON.parse(input)));
    console.log(JSON.stringify(output));
    return true;
  } catch (e) {
    console.log(JSON.stringify({ error: e.name, status: e.$metadata?.httpStatusCode, message: e.message }));
    return false;
  }
}

const [, , action, input = "{}"] = process.argv;
if (action === "-") {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const space = line.indexOf(" ");
    await call(line.slice(0, space), line.slice(space + 1));
  }
} else if (!(await call(action, input))) {
  process.exitCode = 1;
}
