import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("professional_billing_approve_small", {
    steps: () => [
        {
            content: "Bills that wait for a decision",
            trigger: ".o_data_row:contains(In review) td[name=partner_id]:contains(Halden)",
            run: "click",
        },
        {
            content: "What is given up is not much",
            trigger: "div[name=amount_written_off]:contains(165.00)",
        },
        {
            content: "Approve it",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "It can be invoiced",
            trigger: ".o_arrow_button_current:contains(Approved)",
        },
    ],
});

tours.add("professional_billing_approve_refused", {
    steps: () => [
        {
            content: "A large write-off",
            trigger: "div[name=amount_written_off]:contains(1,260.00)",
        },
        {
            content: "Approve it all the same",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "Who can is told",
            trigger: ".modal-body:contains(Ask a billing manager)",
        },
        {
            content: "Close it",
            trigger: ".modal-footer button",
            run: "click",
        },
        {
            content: "It still waits",
            trigger: "body:not(:has(.modal)) .o_arrow_button_current:contains(In review)",
        },
    ],
});

tours.add("professional_billing_approve_large", {
    steps: () => [
        {
            content: "The work that is given up, and why",
            trigger: "div[name=line_ids] .o_data_row:contains(Write off):contains(Courtesy)",
        },
        {
            content: "Approve it",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "It can be invoiced",
            trigger: ".o_arrow_button_current:contains(Approved)",
        },
        {
            content: "Nobody is asked any more",
            trigger: ".o-mail-Chatter:not(:has(.o-mail-Activity))",
        },
    ],
});

tours.add("professional_billing_payers", {
    steps: () => [
        {
            content: "Go to the billing page of the order",
            trigger: ".nav-link[name=professional_billing]",
            run: "click",
        },
        {
            content: "Several pay for it",
            trigger: "div[name=has_payers] input",
            run: "click",
        },
        {
            content: "Add one",
            trigger: "div[name=billing_payer_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "The insurer",
            trigger: ".o_selected_row [name=partner_id] input",
            run: "edit Norrland Insurance",
        },
        {
            content: "From the list",
            trigger: ".o-autocomplete--dropdown-item:contains(Norrland Insurance)",
            run: "click",
        },
        {
            content: "Pays forty percent",
            trigger: ".o_selected_row [name=percentage] input",
            run: "edit 40",
        },
        {
            content: "Leave the row",
            trigger: "[name=billing_summary]",
            run: "click",
        },
        {
            content: "The contract says so in words",
            trigger:
                "body:not(:has(.o_selected_row)) [name=billing_summary]:contains(Norrland Insurance pays 40 %)",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It is saved",
            trigger:
                ".o_form_saved [name=billing_summary]:contains(Norrland Insurance pays 40 %)",
        },
    ],
});

tours.add("professional_billing_credit", {
    steps: () => [
        {
            content: "Credit some of the invoice",
            trigger: "button[name=action_credit_lines]",
            run: "click",
        },
        {
            content: "For a reason",
            trigger: ".modal [name=reason_id] input",
            run: "edit Courtesy",
        },
        {
            content: "From the list",
            trigger: ".o-autocomplete--dropdown-item:contains(Courtesy)",
            run: "click",
        },
        {
            content: "The second person's work",
            trigger: ".modal .o_data_row:eq(1) td[name=is_selected] input",
            run: "click",
        },
        {
            content: "The dialog says what that comes to",
            trigger: ".modal div[name=amount]:contains(720.00)",
        },
        {
            content: "Credit it",
            trigger: ".modal button[name=action_credit]",
            run: "click",
        },
        {
            content: "It stands on a pre-bill, to be corrected",
            trigger: ".o_form_view div[name=amount_bill]:contains(720.00)",
        },
    ],
});
