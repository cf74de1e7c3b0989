import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("professional_billing_collection", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open Billing",
            trigger: '.o_app[data-menu-xmlid="professional_billing.menu_billing_root"]',
            run: "click",
        },
        {
            content: "Open the menu Collection",
            trigger: '[data-menu-xmlid="professional_billing.menu_collection"]',
            run: "click",
        },
        {
            content: "Open Follow-up runs",
            trigger: '[data-menu-xmlid="professional_billing.menu_collection_run"]',
            run: "click",
        },
        {
            content: "New run",
            trigger: ".o_last_breadcrumb_item:contains(Follow-up runs)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Propose",
            trigger: "button[name=action_propose]",
            run: "click",
        },
        {
            content: "Both late instalments are proposed; leave one out",
            trigger:
                ".o_data_row:contains(Tour Customer):contains(50.00) [name=include] input:checked",
            run: "click",
        },
        {
            trigger:
                ".o_data_row:contains(Tour Customer):contains(50.00) [name=include] input:not(:checked)",
        },
        {
            content: "Approve",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "Send",
            trigger: "button[name=action_send]",
            run: "click",
        },
        {
            content: "Yes, now",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "The result is told",
            trigger: ".o_notification:contains(Customers reminded: 1)",
        },
        {
            trigger: ".o_field_widget[name=sent_count]:contains(1)",
        },
        {
            content: "The line left out says why",
            trigger:
                ".o_data_row:contains(50.00):contains(Dropped by the collector)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_collector_morning", {
    url: "/odoo/collection-cases",
    steps: () => [
        {
            content: "The late customer is on the work list",
            trigger: ".o_data_row:contains(Morning Customer) .o_data_cell:first",
            run: "click",
        },
        {
            content: "Note the call",
            trigger: "button[name=action_log_call]",
            run: "click",
        },
        {
            trigger: ".o-mail-Message:contains(Called.)",
        },
        {
            content: "They promise to pay",
            trigger: "button[name=action_promise]",
            run: "click",
        },
        {
            trigger: ".modal [name=promise_date] input, .modal [name=promise_date] button",
            run: "click",
        },
        {
            trigger: ".modal [name=promise_date] input",
            run: "edit 12/31/2030 && press Enter",
        },
        {
            content: "Save the promise",
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "It is on the case",
            trigger: "a[name=holds]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Promise to pay):contains(Active)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_collection_figures", {
    steps: () => [
        {
            content: "How late they pay is said with its working",
            trigger: ".o_data_row:contains(Average days delinquent):contains(less the best possible)",
        },
        {
            content: "Look at what is behind it",
            trigger: "button[name=action_view_ageing]",
            run: "click",
        },
        {
            content: "By customer and by how late it is",
            trigger: "body:has(.o_last_breadcrumb_item:contains(Ageing as of)) .o_pivot table:contains(Late Customer)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_charges", {
    url: "/odoo/collection-cases",
    steps: () => [
        {
            content: "The late customer",
            trigger: ".o_data_row:contains(Interest Customer) .o_data_cell:first",
            run: "click",
        },
        {
            content: "What does it cost to be late?",
            trigger: "button[name=action_propose_charges]",
            run: "click",
        },
        {
            content: "Both are to be reviewed; the compensation is left out",
            trigger:
                ".o_data_row:contains(Fixed compensation):contains(40.00) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_skip]",
            run: "click",
        },
        {
            trigger: ".modal [name=reason] input",
            run: "edit A good customer",
        },
        {
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "Only the interest is left; see how it comes about",
            trigger: "body:not(:has(.modal)) .o_data_row:contains(Late interest) .o_data_cell:eq(1)",
            run: "click",
        },
        {
            content: "Days, balance, rate",
            trigger: ".o_form_view [name=segment_ids] .o_data_row:contains(2,000.00)",
        },
        {
            content: "Bill it",
            trigger: "button[name=action_invoice]",
            run: "click",
        },
        {
            content: "It is on a posted invoice",
            trigger: ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(Late interest)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_write_off_request", {
    url: "/odoo/collection-cases",
    steps: () => [
        {
            trigger: ".o_data_row:contains(Lost Customer) .o_data_cell:first",
            run: "click",
        },
        {
            content: "It is given up",
            trigger: "button[name=action_write_off]",
            run: "click",
        },
        {
            trigger: ".modal [name=move_ids]:contains(INV/)",
        },
        {
            trigger: ".modal [name=reason] input",
            run: "edit Wound up",
        },
        {
            trigger: ".modal button[name=action_submit]",
            run: "click",
        },
        {
            content: "A collection manager is asked",
            trigger: "body:not(:has(.modal)) .o-mail-Activity:contains(asks to write off)",
        },
    ],
});

registry.category("web_tour.tours").add("professional_billing_write_off_approval", {
    url: "/odoo/write-offs",
    steps: () => [
        {
            trigger: ".o_data_row:contains(Lost Customer):contains(To approve) .o_data_cell:first",
            run: "click",
        },
        {
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Written off)",
        },
    ],
});
