{
id: 'check-eligibility',
name: 'Check Discount Eligibility',
type: 'condition',
condition: 'customer.lifetimeValue > 10000 && customer.purchases > 5',
config: {
description: 'Customer qualifies for VIP discount if LTV > $10k and 5+ purchases'
}
}
