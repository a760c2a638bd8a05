// The system under test, and what most cases need of it: rows of their own and the common checks.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "support/http_client.hpp"

namespace cleave::test {

using Json = nlohmann::json;

class Placement;  // placement.hpp

/// CLEAVE_TEST_URL, or the address of the host that serves `path`. The system that
/// CLEAVE_TEST_PLACEMENT names ("fused", which is the default, or "split") is started at the first
/// use and stopped when the program ends; the program then fails when a host does not end well (a
/// sanitizer's finding).
std::string system_url(std::string_view path = "/users");
/// Null for CLEAVE_TEST_URL.
Placement* placement();
bool is_split();
/// Of the host of the orders; nothing for CLEAVE_TEST_URL.
std::optional<std::string> admin_url();
/// What the hosts have logged so far; nothing for CLEAVE_TEST_URL.
std::optional<std::string> system_log();

/// One request over a connection of its own.
HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
               const Headers& headers = {});
HttpAnswer ask_raw(std::string_view bytes, std::string_view method = "GET");

/// Different in each call and each run.
std::string unique(std::string_view prefix);
std::string unique_email();

/// Make a row and return it as the server showed it; fail the case when that does not work.
Json make_user();
Json make_product(std::int64_t price_cents = 1250);
Json make_order(std::int64_t quantity = 1);
/// "/users/7"
std::string path_of(std::string_view collection, const Json& row);

/// Follows Link from `path` to the end and returns all rows.
Json walk(std::string path);

/// The process lives and answers.
void check_alive();
/// An RFC 9457 answer of that status and slug, with the members and headers that each one has.
void check_problem(const HttpAnswer& answer, int status, std::string_view slug);
/// The same, and the peer closed the connection after exactly this answer.
void check_refused(const HttpAnswer& answer, int status, std::string_view slug);
/// The first entry of the problem's `errors`.
void check_error(const HttpAnswer& answer, std::string_view pointer, std::string_view code);

}  // namespace cleave::test
