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
