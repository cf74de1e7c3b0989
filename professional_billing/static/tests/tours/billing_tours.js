import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("professional_billing_contract", {
    steps: () => [
        {
            content: "Confirm the quotation, whose instalments do not make the whole fee",
            trigger: "button[name=action_confirm]:enabled",
            run: "click",
        },
        {
            content: "The message says what is missing",
            trigger: ".modal-body:contains(add up to)",
        },
        {
            content: "Close it",
            trigger: ".modal-footer button",
            run: "click",
        },
        {
            content: "Go to the billing page of the order",
            trigger: ".nav-link[name=professional_billing]",
            run: "click",
        },
        {
            content: "Add the missing instalment",
            trigger: "div[name=billing_installment_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "The fixed-fee line is chosen already",
            trigger: ".o_selected_row [name=order_line_id] input:value(Project fee)",
        },
        {
            content: "Name it",
            trigger: ".o_selected_row [name=name] input",
            run: "edit Hand-over",
        },
        {
            content: "Give it the rest of the fee",
            trigger: ".o_selected_row [name=percentage] input",
            run: "edit 40",
        },
        {
            content: "Confirm the order",
            trigger: "button[name=action_confirm]:enabled",
            run: "click",
        },
        {
            content: "The order is an engagement now, with work to bill",
            trigger: "button[name=action_view_billing_items]",
        },
        {
            content: "The instalments make the whole fee",
            trigger: "div[name=billing_installment_ids] tfoot:contains(9,000.00)",
        },
    ],
});

tours.add("professional_billing_run", {
    steps: () => [
        {
            content: "Start a billing run",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Make posted invoices",
            trigger: "div[name=mode] .o_radio_item:contains(Posted invoices) input",
            run: "click",
        },
        {
            content: "Look at what would be billed",
            trigger: "button[name=action_preview]:contains(Preview)",
            run: "click",
        },
        {
            content: "What is held back says why",
            trigger: "td[name=blocked_note]:contains(Milestone not reached)",
        },
        {
            content: "Bill",
            trigger: "button[name=action_start]",
            run: "click",
        },
        {
            content: "All is billed",
            trigger: ".o_arrow_button_current:contains(Done)",
            timeout: 60000,
        },
        {
            content: "Look at the invoices",
            trigger: "button[name=action_view_moves]",
            run: "click",
        },
        {
            content: "They are posted",
            trigger: ".o_list_view .o_data_row:contains(Posted)",
        },
    ],
});

tours.add("professional_billing_run_in_progress", {
    steps: () => [
        {
            content: "The bar says how far the run is",
            trigger: "div[name=progress] .o_progressbar:contains(60)",
        },
        {
            content: "An invoice that cannot be sent says what to do",
            trigger: "td[name=error]:contains(has no e-mail address)",
        },
        {
            content: "A colleague stops the run, elsewhere",
            trigger: "button[name=action_stop]:contains(Stop)",
            run: () =>
                rpc("/web/dataset/call_kw/billing.run/action_stop", {
                    model: "billing.run",
                    method: "action_stop",
                    args: [[Number(window.location.pathname.split("/").at(-1))]],
                    kwargs: {},
                }),
        },
        {
            content: "The form tells so by itself",
            trigger: ".o_arrow_button_current:contains(Stopped)",
        },
        {
            content: "Go on",
            trigger: "button[name=action_resume]:contains(Go on)",
            run: "click",
        },
        {
            content: "All others are billed",
            trigger: ".o_arrow_button_current:contains(Done)",
            timeout: 60000,
        },
        {
            content: "Their invoices are being sent",
            trigger: "td[name=sending]:contains(Being sent)",
        },
    ],
});

tours.add("professional_billing_prebill", {
    steps: () => [
        {
            content: "Open the pre-bill",
            trigger: ".o_data_row td[name=partner_id]",
            run: "click",
        },
        {
            content: "Take the first piece of work",
            trigger: "div[name=line_ids] .o_data_row:first td[name=quantity]",
            run: "click",
        },
        {
            content: "Bill eight of its ten hours",
            trigger: ".o_selected_row [name=quantity] input",
            run: "edit 8 && press Tab",
        },
        {
            content: "Write off what is left",
            trigger: "div[name=line_ids] button[name=action_write_off_rest]",
            run: "click",
        },
        {
            content: "The write-off wants a reason",
            trigger: "div[name=line_ids] .o_data_row:contains(Write off) td[name=reason_id]",
            run: "click",
        },
        {
            content: "Choose it",
            trigger: ".o_selected_row [name=reason_id] input",
            run: "edit Courtesy",
        },
        {
            content: "From the list",
            trigger: ".o-autocomplete--dropdown-item:contains(Courtesy)",
            run: "click",
        },
        {
            content: "The bill says what is written off",
            trigger: "div[name=amount_written_off]:contains(360.00)",
        },
        {
            content: "Submit it",
            trigger: "button[name=action_submit]",
            run: "click",
        },
        {
            content: "It is in review",
            trigger: ".o_arrow_button_current:contains(In review)",
        },
    ],
});

tours.add("professional_billing_prebill_lines", {
    steps: () => [
        {
            content: "The values stand side by side",
            trigger: "div[name=values]:contains(Realisation)",
        },
        {
            content: "Look at the lines by person",
            trigger: "button[name=action_edit_lines]",
            run: "click",
        },
        {
            content: "Open Anna's work",
            trigger: ".o_group_header:contains(Anna) .o_group_name",
            run: "click",
        },
        {
            content: "It is there",
            trigger: ".o_data_row td[name=narrative]",
        },
        {
            content: "Take all of it",
            trigger: "thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "It is free of charge",
            trigger: ".o_control_panel button:contains(Free of charge), .o_list_selection_box ~ * button:contains(Free of charge)",
            run: "click",
        },
        {
            content: "For this reason",
            trigger: ".modal [name=reason_id] input",
            run: "edit Courtesy",
        },
        {
            content: "From the list",
            trigger: ".o-autocomplete--dropdown-item:contains(Courtesy)",
            run: "click",
        },
        {
            content: "Apply it",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "The lines say so",
            trigger: "body:not(:has(.modal)) .o_data_row td[name=decision]:contains(Free of charge)",
        },
    ],
});

tours.add("professional_billing_wip", {
    steps: () => [
        {
            content: "Work that can be billed and work that is held back",
            trigger: ".o_list_view .o_data_row",
        },
        {
            content: "See it as a pivot",
            trigger: ".o_switch_view.o_pivot",
            run: "click",
        },
        {
            content: "By customer and month",
            trigger: ".o_pivot table",
        },
        {
            content: "See it as a graph",
            trigger: ".o_switch_view.o_graph",
            run: "click",
        },
        {
            content: "By customer",
            trigger: ".o_graph_canvas_container canvas",
        },
        {
            content: "Back to the list",
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        {
            content: "Done",
            trigger: ".o_list_view .o_data_row",
        },
    ],
});
