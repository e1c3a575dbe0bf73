// The parameters that Stripe's calls take, by the names of the API version that the SDK speaks. A test compares them
// with the SDK's own types, so a new version of the SDK that knows more fails it.

export const STRIPE_OPERATIONS = [
  "createCustomer",
  "getCustomer",
  "updateCustomer",
  "listCustomers",
  "createInvoiceItem",
  "createInvoice",
  "getInvoice",
  "finalizeInvoice",
  "sendInvoice",
  "payInvoice",
  "voidInvoice",
  "createPaymentIntent",
  "confirmPaymentIntent",
  "getPaymentIntent",
  "cancelPaymentIntent",
  "createRefund",
  "getRefund",
] as const;
export type StripeOperationName = (typeof STRIPE_OPERATIONS)[number];

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const STRIPE_PARAMETERS: Readonly<Record<StripeOperationName, readonly string[]>> = {
  createCustomer: words(`
    address balance business_name cash_balance description email expand individual_name invoice_prefix
    invoice_settings metadata name next_invoice_sequence payment_method phone preferred_locales shipping source tax
    tax_exempt tax_id_data test_clock validate`),
  getCustomer: words("expand"),
  updateCustomer: words(`
    address balance business_name cash_balance default_source description email expand individual_name
    invoice_prefix invoice_settings metadata name next_invoice_sequence phone preferred_locales shipping source tax
    tax_exempt validate`),
  listCustomers: words("created email ending_before expand limit starting_after test_clock"),
  createInvoiceItem: words(`
    amount currency customer customer_account description discountable discounts expand invoice metadata period
    price_data pricing quantity quantity_decimal subscription tax_behavior tax_code tax_rates unit_amount_decimal`),
  createInvoice: words(`
    account_tax_ids application_fee_amount auto_advance automatic_tax automatically_finalizes_at collection_method
    currency custom_fields customer customer_account days_until_due default_payment_method default_source
    default_tax_rates description discounts due_date effective_at expand footer from_invoice issuer metadata number
    on_behalf_of payment_settings pending_invoice_items_behavior rendering shipping_cost shipping_details
    statement_descriptor subscription transfer_data`),
  getInvoice: words("expand"),
  finalizeInvoice: words("auto_advance expand"),
  sendInvoice: words("expand"),
  payInvoice: words("expand forgive mandate off_session paid_out_of_band payment_method source"),
  voidInvoice: words("expand"),
  createPaymentIntent: words(`
    allowed_payment_method_types amount amount_details application_fee_amount automatic_payment_methods
    capture_method confirm confirmation_method confirmation_token currency customer customer_account description
    error_on_requires_action excluded_payment_method_types expand hooks mandate mandate_data metadata off_session
    on_behalf_of payment_details payment_method payment_method_configuration payment_method_data
    payment_method_options radar_options receipt_email return_url setup_future_usage shipping statement_descriptor
    statement_descriptor_suffix transfer_data transfer_group use_stripe_sdk`),
  confirmPaymentIntent: words(`
    allowed_payment_method_types amount_details amount_to_confirm capture_method confirmation_token
    error_on_requires_action excluded_payment_method_types expand hooks mandate mandate_data off_session
    payment_details payment_method payment_method_data payment_method_options radar_options receipt_email return_url
    setup_future_usage shipping use_stripe_sdk`),
  getPaymentIntent: words("client_secret expand"),
  cancelPaymentIntent: words("cancellation_reason expand"),
  createRefund: words(`
    amount charge currency customer expand instructions_email metadata origin payment_intent reason
    refund_application_fee reverse_transfer`),
  getRefund: words("expand"),
};
