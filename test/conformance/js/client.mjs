// The unmodified JavaScript SDK as a workload or an operator uses it: client.mjs ACTION [JSON], one JSON document on stdout.
// A refusal is {"error": CODE, "status": HTTP STATUS, "message": TEXT}.
import * as iam from "@aws-sdk/client-iam";
import * as sts from "@aws-sdk/client-sts";

const [, , action, input = "{}"] = process.argv;
const service = [sts, iam].find((s) => s[`${action}Command`]);
if (!service) {
  console.error(`client.mjs: no such action: ${action}`);
  process.exit(2);
}
const client = service === sts ? new sts.STSClient({}) : new iam.IAMClient({});
try {
  const { $metadata, ...output } = await client.send(new service[`${action}Command`](JSON.parse(input)));
  console.log(JSON.stringify(output));
} catch (e) {
  console.log(JSON.stringify({ error: e.name, status: e.$metadata?.httpStatusCode, message: e.message }));
  process.exitCode = 1;
}
