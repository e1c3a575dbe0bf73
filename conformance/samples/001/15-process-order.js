const workflow = await api.workflows.create({
name: 'Process Order',
description: 'Complete order processing workflow from payment to fulfillment',
steps: [
{
id: 'validate-order',
name: 'Validate Order',
type: 'function',
function: 'validate-order-data',
next: 'process-payment',
},
{
id: 'process-payment',
name: 'Process Payment',
type: 'function',
function: 'charge-payment',
next: 'check-payment',
},
{
id: 'check-payment',
name: 'Check Payment Status',
type: 'condition',
condition: 'result.status === "succeeded"',
next: ['update-inventory', 'send-confirmation'], // Parallel execution
},
{
id: 'update-inventory',
name: 'Update Inventory',
type: 'function',
function: 'decrement-inventory',
next: 'schedule-fulfillment',
},
{
id: 'send-confirmation',
name: 'Send Order Confirmation',
type: 'function',
function: 'send-order-email',
next: 'schedule-fulfillment',
},
{
id: 'schedule-fulfillment',
name: 'Schedule Order Fulfillment',
type: 'function',
function: 'create-fulfillment-task',
},
],
triggers: [
{
type: 'event',
config: {
eventType: 'order.created',
},
},
],
metadata: {
category: 'order-management',
version: '1.0.0',
},
})
console.log('Created workflow:', workflow.id)
