const workflow = await api.workflows.create({
name: 'Payment with Error Handling',
steps: [
{
id: 'charge',
type: 'function',
function: 'process-payment',
next: 'verify',
config: {
onError: 'handle-error',
retries: 3,
},
},
{
id: 'verify',
type: 'condition',
condition: 'result.success === true',
next: 'success',
config: { else: 'handle-error' },
},
{
id: 'handle-error',
type: 'function',
function: 'log-payment-error',
next: 'notify-failure',
},
{
id: 'notify-failure',
type: 'function',
function: 'send-failure-notification',
},
{
id: 'success',
type: 'function',
function: 'complete-order',
},
],
})
