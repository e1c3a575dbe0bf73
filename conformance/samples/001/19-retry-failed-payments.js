const workflow = await api.workflows.create({
name: 'Retry Failed Payments',
steps: [
{
id: 'get-failed-payments',
name: 'Get Failed Payments',
type: 'function',
function: 'fetch-failed-payments',
next: 'process-batch',
},
{
id: 'process-batch',
name: 'Process Payment Batch',
type: 'loop',
config: {
items: 'result.payments',
maxIterations: 100,
},
next: 'retry-payment',
},
{
id: 'retry-payment',
name: 'Retry Payment',
type: 'function',
function: 'process-payment',
next: 'check-result',
},
{
id: 'check-result',
name: 'Check Retry Result',
type: 'condition',
condition: 'result.success === true',
next: 'mark-success',
config: {
else: 'mark-failed',
},
},
{
id: 'mark-success',
name: 'Mark as Successful',
type: 'function',
function: 'update-payment-status',
},
{
id: 'mark-failed',
name: 'Mark as Failed',
type: 'function',
function: 'log-payment-failure',
},
],
})
