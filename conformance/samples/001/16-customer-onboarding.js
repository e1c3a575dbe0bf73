const workflow = await api.workflows.create({
name: 'Customer Onboarding',
steps: [
{
id: 'create-account',
name: 'Create Account',
type: 'function',
function: 'create-customer-account',
next: 'send-welcome',
},
{
id: 'send-welcome',
name: 'Send Welcome Email',
type: 'function',
function: 'send-welcome-email',
next: 'assign-rep',
},
{
id: 'assign-rep',
name: 'Assign Sales Rep',
type: 'function',
function: 'assign-account-rep',
},
],
})
