const workflow = await api.workflows.create({
name: 'Approve Purchase',
steps: [
{
id: 'calculate-amount',
name: 'Calculate Total Amount',
type: 'function',
function: 'calculate-purchase-total',
next: 'check-threshold',
},
{
id: 'check-threshold',
name: 'Check Approval Threshold',
type: 'condition',
condition: 'result.total > 10000',
next: 'require-approval', // if true
config: {
else: 'auto-approve', // if false
},
},
{
id: 'require-approval',
name: 'Require Manager Approval',
type: 'human',
config: {
approvers: ['[email protected]'],
timeout: 86400000, // 24 hours
},
next: 'process-decision',
},
{
id: 'auto-approve',
name: 'Auto Approve',
type: 'function',
function: 'approve-purchase',
next: 'finalize',
},
{
id: 'process-decision',
name: 'Process Approval Decision',
type: 'condition',
condition: 'result.approved === true',
next: 'finalize',
config: {
else: 'reject',
},
},
{
id: 'finalize',
name: 'Finalize Purchase',
type: 'function',
function: 'finalize-purchase',
},
{
id: 'reject',
name: 'Reject Purchase',
type: 'function',
function: 'reject-purchase',
},
],
})
