import { registry } from "@web/core/registry";

const { DateTime } = luxon;
const tours = registry.category("web_tour.tours");

tours.add("professional_billing_recurring", {
    steps: () => [
        {
            content: "Open the terms of the recurring fee",
            trigger: ".o_data_row:contains(Support plan) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Only what its rule needs is there",
            trigger: ".modal:not(:has([name=billing_progress_ids])):contains(one whole period)",
        },
        {
            content: "Bill it every month, from the first of this one",
            trigger: ".modal input[data-field=recurring_start]",
            run: `edit ${DateTime.now().startOf("month").toFormat("MM/dd/yyyy")}`,
        },
        {
            content: "In arrears",
            trigger: ".modal [name=recurring_timing] .o_radio_item:contains(In arrears) input",
            run: "click",
        },
        {
            content: "Save the terms",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "Confirm the order",
            trigger: "body:not(:has(.modal)) button[name=action_confirm]:enabled",
            run: "click",
        },
        {
            content: "The order is an engagement: look at the terms once more",
            trigger:
                "body:has(button[name=action_view_billing_items]) .o_data_row:contains(Support plan) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "They are as they were entered",
            trigger: ".modal [name=recurring_timing] .o_radio_item:contains(In arrears) input:checked",
        },
    ],
});

tours.add("professional_billing_progress", {
    steps: () => [
        {
            content: "Open the terms of the line billed by progress",
            trigger: ".o_data_row:contains(Design of the building) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Claim progress",
            trigger: ".modal [name=billing_progress_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Forty percent are complete",
            trigger: ".modal .o_selected_row [name=percentage] input",
            run: "edit 40 && press Tab",
        },
        {
            content: "That is 10,480.00",
            trigger: ".modal [name=billing_progress_ids] .o_data_row:contains(10,480.00)",
        },
        {
            content: "Save the claim",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "It can be billed",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_billing_items]:contains(10,480.00)",
        },
        {
            content: "Look at it once more",
            trigger: ".o_data_row:contains(Design of the building) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "The claim waits to be billed",
            trigger: ".modal [name=billing_progress_ids] .o_data_row:contains(To bill)",
        },
    ],
});

tours.add("professional_billing_tiers", {
    steps: () => [
        {
            content: "Open the terms of the success fee",
            trigger: ".o_data_row:contains(Fee on the sale) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Charge by volume",
            trigger: ".modal [name=tier_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Up to a million",
            trigger: ".modal .o_selected_row [name=up_to] input",
            run: "edit 1000000",
        },
        {
            content: "Five percent",
            trigger: ".modal .o_selected_row [name=price_unit] input",
            run: "edit 5",
        },
        {
            content: "Next row",
            trigger: ".modal [name=tier_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Above, ten percent",
            trigger:
                ".modal .o_selected_row:has([name=up_to] input:value(0.00)) [name=price_unit] input",
            run: "edit 10",
        },
        {
            content: "Record the outcome",
            trigger: ".modal [name=billing_usage_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "One and a half million",
            trigger: ".modal .o_selected_row [name=quantity] input",
            run: "edit 1500000",
        },
        {
            content: "Save",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "The fee can be billed",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_billing_items]:contains(100,000.00)",
        },
        {
            content: "Look at it once more",
            trigger: ".o_data_row:contains(Fee on the sale) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Fee of the outcome",
            trigger: ".modal [name=billing_usage_ids] .o_data_row:contains(100,000.00)",
        },
    ],
});

tours.add("professional_billing_usage", {
    steps: () => [
        {
            content: "Record usage",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Look for the order line",
            trigger: ".o_selected_row [name=order_line_id] input",
            run: "edit Tax return",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(Tax return)",
            run: "click",
        },
        {
            content: "Ten of them",
            trigger: ".o_selected_row [name=quantity] input",
            run: "edit 10",
        },
        {
            content: "Save",
            trigger: ".o_list_button_save",
            run: "click",
        },
        {
            content: "They bill 25.00",
            trigger: ".o_data_row:contains(25.00):contains(To bill)",
        },
    ],
});

tours.add("professional_billing_retainer", {
    steps: () => [
        {
            content: "Open the terms of the retainer",
            trigger: ".o_data_row:contains(Retained advice) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "It starts with the month",
            trigger: ".modal input[data-field=recurring_start]",
            run: `edit ${DateTime.now().startOf("month").toFormat("MM/dd/yyyy")}`,
        },
        {
            content: "Ten hours are included",
            trigger: ".modal [name=retainer_hours] input",
            run: "edit 10:00",
        },
        {
            content: "Time beyond has a price",
            trigger: ".modal [name=overage_price] input",
            run: "edit 150",
        },
        {
            content: "Save the terms",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "Confirm the order",
            trigger: "body:not(:has(.modal)) button[name=action_confirm]:enabled",
            run: "click",
        },
        {
            content: "Look at the terms once more",
            trigger:
                "body:has(button[name=action_view_billing_items]) .o_data_row:contains(Retained advice) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "They are as they were entered",
            trigger: ".modal [name=retainer_hours] input:value(10:00)",
        },
    ],
});

tours.add("professional_billing_retention", {
    steps: () => [
        {
            content: "What is held shows on the engagement",
            trigger: "button[name=action_view_retention]:contains(200.00)",
        },
        {
            content: "Open the page of billing",
            trigger: ".o_notebook_headers a[name=professional_billing]",
            run: "click",
        },
        {
            content: "Release retention",
            trigger: "button[name=action_release_retention]",
            run: "click",
        },
        {
            content: "A part of it",
            trigger: ".modal [name=mode] .o_radio_item:contains(A percentage) input",
            run: "click",
        },
        {
            content: "A quarter",
            trigger: ".modal [name=percent] input",
            run: "edit 25 && press Tab",
        },
        {
            content: "The dialog says how much that is",
            trigger: ".modal [name=release_amount]:contains(50.00)",
        },
        {
            content: "Make the invoice",
            trigger: ".modal button[name=action_release]",
            run: "click",
        },
        {
            content: "The draft is there",
            trigger: ".o_form_view:contains(Release of the retention)",
        },
    ],
});

tours.add("professional_billing_prepaid", {
    steps: () => [
        {
            content: "Open the terms of the prepaid hours",
            trigger: ".o_data_row:contains(Prepaid advice) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "A block that is used up is filled up by itself",
            trigger: ".modal [name=prepaid_minimum] input",
            run: "edit 5 && press Tab",
        },
        {
            content: "Up to forty hours",
            trigger: ".modal [name=prepaid_target] input",
            run: "edit 40",
        },
        {
            content: "Save the terms",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "Confirm the order",
            trigger: "body:not(:has(.modal)) button[name=action_confirm]:enabled",
            run: "click",
        },
        {
            content: "Look at the blocks",
            trigger:
                "body:has(button[name=action_view_billing_items]:contains(6,000.00)) .o_data_row:contains(Prepaid advice) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "What was sold is the first one, and nothing of it is used",
            trigger:
                ".modal [name=billing_block_ids] .o_data_row:contains(6,000.00) [name=left]:contains(40.00)",
        },
        {
            content: "The client wants twenty more",
            trigger: ".modal [name=billing_block_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Twenty hours",
            trigger: ".modal .o_selected_row [name=quantity] input",
            run: "edit 20 && press Tab",
        },
        {
            content: "At the price of the line",
            trigger: ".modal .o_selected_row [name=price] input:value(3,000.00)",
        },
        {
            content: "Save the block",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "It can be billed too",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_billing_items]:contains(9,000.00)",
        },
        {
            content: "Look at them once more",
            trigger: ".o_data_row:contains(Prepaid advice) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Both are there",
            trigger: ".modal [name=billing_block_ids] .o_data_row:contains(3,000.00)",
        },
    ],
});

tours.add("professional_billing_rates", {
    steps: () => [
        {
            content: "Open the terms of the consultants' time",
            trigger: ".o_data_row:contains(Consulting by the hour) button[name=action_billing_terms]",
            run: "click",
        },
        {
            content: "Bill by person, role and service",
            trigger: ".modal [name=rate_source] .o_radio_item:contains(By person) input",
            run: "click",
        },
        {
            content: "Agree on a rate for a role",
            trigger: ".modal [name=billing_rate_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Senior consultants",
            trigger: ".modal .o_selected_row [name=role_id] input",
            run: "edit Senior",
        },
        {
            content: "Choose the role",
            trigger: ".o-autocomplete--dropdown-item a:contains(Senior consultant)",
            run: "click",
        },
        {
            content: "210.00 an hour",
            trigger: ".modal .o_selected_row [name=price_unit] input",
            run: "edit 210",
        },
        {
            content: "Save the terms",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "Open the page of billing",
            trigger: "body:not(:has(.modal)) .o_notebook_headers a[name=professional_billing]",
            run: "click",
        },
        {
            content: "The contract says so in words",
            trigger: "[name=billing_summary]:contains(Senior consultant):contains(210.00)",
        },
        {
            content: "Limit the engagement",
            trigger: "[name=billing_cap_amount] input",
            run: "edit 40000 && press Tab",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "The limit is said too",
            trigger:
                ".o_form_saved [name=billing_summary]:contains(Not more than):contains(40,000.00)",
        },
    ],
});
