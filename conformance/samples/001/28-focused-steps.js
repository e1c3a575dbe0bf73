// ❌ Bad - step does too much
{
id: 'process-everything',
type: 'function',
function: 'validate-charge-and-fulfill'
}
// ✅ Good - clear, focused steps
{
id: 'validate',
type: 'function',
function: 'validate-order',
next: 'charge'
},
{
id: 'charge',
type: 'function',
function: 'process-payment',
next: 'fulfill'
},
{
id: 'fulfill',
type: 'function',
function: 'create-fulfillment'
}
