import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("professional_billing_expense_terms", {
    steps: () => [
        {
            content: "Go to the billing page of the order",
            trigger: ".nav-link[name=professional_billing]",
            run: "click",
        },
        {
            content: "Add terms for expenses",
            trigger: "div[name=expense_term_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "For hotels",
            trigger: ".o_selected_row [name=product_id] input",
            run: "edit Hotel",
        },
        {
            content: "Choose the category",
            trigger: ".o-autocomplete--dropdown-item:contains(Hotel)",
            run: "click",
        },
        {
            content: "With ten percent",
            trigger: ".o_selected_row [name=markup] input",
            run: "edit 10",
        },
        {
            content: "Up to 150 each",
            trigger: ".o_selected_row [name=billing_cap_amount] input",
            run: "edit 150 && press Tab",
        },
        {
            content: "Check the contract, which saves it",
            trigger: "button[name=action_check_billing]",
            run: "click",
        },
        {
            content: "Close the check",
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "The contract says so",
            trigger: "body:not(:has(.modal)) [name=billing_summary]:contains(Hotel: at cost plus 10 %, not more than)",
        },
        {
            content: "Show the terms",
            trigger: "div[name=expense_term_ids] td:contains(Each expense)",
            run: "hover",
        },
    ],
});

tours.add("professional_billing_expense_prebill", {
    steps: () => [
        {
            content: "Open the pre-bill",
            trigger: ".o_data_row td[name=partner_id]",
            run: "click",
        },
        {
            content: "Why is the hotel billed at this amount?",
            trigger: ".o_data_row:contains(Hotel) button[name=action_explain]",
            run: "click",
        },
        {
            content: "It was cut to the limit",
            trigger: ".modal [name=explanation]:contains(is billed up to)",
        },
        {
            content: "Look at the receipt",
            trigger: ".modal button[name=action_view_receipts]",
            run: "click",
        },
        {
            content: "There it is",
            trigger: ".o_kanban_record:contains(hotel.pdf)",
        },
    ],
});
