import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("professional_billing_portal_dispute", {
    url: "/my/balance",
    steps: () => [
        {
            content: "The account shows what is overdue; dispute the oldest invoice",
            trigger: "tr:contains(1,840.00) a:contains(Dispute)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Say why",
            trigger: "select[name=reason]",
            run: "select quantity",
        },
        {
            trigger: "textarea[name=text]",
            run: "edit Only eight hours were agreed.",
        },
        {
            content: "Send it",
            trigger: "form[name=dispute] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is received, and the invoice says so",
            trigger: ".alert-success:contains(received your dispute)",
        },
        {
            trigger: "tr:contains(1,840.00) .badge:contains(In dispute)",
        },
        {
            content: "The answer to an older one can be read",
            trigger: ".card:contains(Our answer:):contains(agreement of January)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_statement", {
    url: "/odoo/collection-cases",
    steps: () => [
        {
            content: "Open the case",
            trigger: ".o_data_row:contains(Statement Customer) .o_data_cell:first",
            run: "click",
        },
        {
            content: "A statement of the account",
            trigger: "button[name=action_statement]",
            run: "click",
        },
        {
            content: "With what came and went last month",
            trigger: ".modal .o_radio_input[data-value=activity]",
            run: "click",
        },
        {
            trigger: ".modal [name=date_from]",
        },
        {
            content: "Look at the mail first",
            trigger: ".modal button[name=action_edit]",
            run: "click",
        },
        {
            content: "The statement is attached",
            trigger: ".modal .o_field_mail_composer_attachment_list:contains(.pdf)",
        },
        {
            content: "Send it",
            trigger: ".modal button[name=action_send_mail]",
            run: "click",
        },
        {
            content: "It is in the case's messages",
            trigger: ".o-mail-Message:contains(statement of your account)",
        },
    ],
});
