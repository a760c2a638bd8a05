#include "ledger/load.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

namespace cleave::test {
namespace {

using Json = nlohmann::json;

std::int64_t quantity_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number) + 1;
}

bool is_order(std::uint64_t number) {
  return number % 3 == 0;
}

}  // namespace

Load::Load(std::string address, unsigned a_second, std::int64_t user, std::int64_t product)
    : address_(std::move(address)), a_second_(a_second), user_(user), product_(product) {
  for (unsigned i = 0; i < kConnections; ++i) {
    lines_[i].thread = std::thread([this, i] { serve(lines_[i], i); });
  }
}

void Load::stop() {
  stop_ = true;
  for (Line& line : lines_) {
    if (line.thread.joinable()) line.thread.join();
  }
}

void Load::serve(Line& line, unsigned number) {
  std::unique_ptr<HttpClient> client;
  for (std::uint64_t i = number; !stop_; i += kConnections) {
    const auto moment = start_ + i * std::chrono::microseconds(1000000 / a_second_);
    std::this_thread::sleep_until(moment);
    if (client == nullptr) client = std::make_unique<HttpClient>(address_);
    const bool kept = ask(*client, line, i);
    line.times.push_back({moment, Clock::now()});
    if (!kept) client.reset();
  }
}

HttpAnswer Load::read(HttpClient& client, std::uint64_t number) const {
  switch (number % 4) {
    case 0:
      return client.ask("GET", "/users?limit=3");
    case 1:
      return client.ask("GET", "/products/" + std::to_string(product_));
    case 2:
      return client.ask("GET", "/users/" + std::to_string(user_));
    default:
      return client.ask("GET", "/orders?limit=3");
  }
}

HttpAnswer Load::order(HttpClient& client, std::uint64_t number) const {
  const Json order{{"user_id", user_}, {"product_id", product_}, {"quantity", quantity_of(number)}};
  Headers headers;
  if (number % 2 == 0) headers.emplace_back("Idempotency-Key", run_ + std::to_string(number));
  return client.ask("POST", "/orders", order.dump(), headers);
}

/// False: the connection is used up.
bool Load::ask(HttpClient& client, Line& line, std::uint64_t number) {
  const HttpAnswer answer = is_order(number) ? order(client, number) : read(client, number);
  const bool well = answer.status == (is_order(number) ? 201 : 200) && answer.excess.empty() &&
                    !answer.has("Idempotent-Replayed");
  if (!well) {
    line.failed.push_back((is_order(number) ? "POST " : "GET ") + std::to_string(answer.status) +
                          " " + answer.body + answer.excess);
  }
  if (is_order(number)) {
    const std::int64_t quantity = quantity_of(number);
    line.orders[quantity] = answer.status == 201                         ? Outcome::kAcknowledged
                            : answer.status == 0 || answer.status >= 500 ? Outcome::kUnknown
                                                                         : Outcome::kRefused;
    if (well && Json::parse(answer.body)["quantity"] != quantity) {
      line.failed.push_back("another's order: " + answer.body);
    }
  }
  return answer.status != 0 && !answer.closed;
}

std::uint64_t Load::asked() const {
  std::uint64_t all = 0;
  for (const Line& line : lines_) all += line.times.size();
  return all;
}

std::vector<std::string> Load::failed() const {
  std::vector<std::string> all;
  for (const Line& line : lines_) all.insert(all.end(), line.failed.begin(), line.failed.end());
  return all;
}

std::uint64_t Load::orders() const {
  std::uint64_t all = 0;
  for (const Line& line : lines_) {
    for (const auto& [quantity, outcome] : line.orders) all += outcome == Outcome::kAcknowledged;
  }
  return all;
}

std::vector<std::string> Load::differences(const Stored& stored) const {
  std::vector<std::string> all;
  std::map<std::int64_t, Outcome> told;
  for (const Line& line : lines_) told.insert(line.orders.begin(), line.orders.end());
  for (const auto& [quantity, outcome] : told) {
    if (outcome == Outcome::kAcknowledged && !stored.contains(quantity)) {
      all.push_back("lost: the order of " + std::to_string(quantity));
    }
  }
  for (const auto& [quantity, rows] : stored) {
    const std::string order = "the order of " + std::to_string(quantity);
    if (rows > 1) all.push_back("doubled: " + order);
    const auto found = told.find(quantity);
    if (found == told.end()) all.push_back("of nobody: " + order);
    if (found != told.end() && found->second == Outcome::kRefused) {
      all.push_back("refused, and there: " + order);
    }
  }
  return all;
}

Load::Times Load::times(const std::vector<Span>& spans, bool inside) const {
  std::vector<Clock::duration> all;
  for (const Line& line : lines_) {
    for (const Span& one : line.times) {
      const bool in_a_span = std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
        return one.from <= span.to && one.to >= span.from;
      });
      if (in_a_span == inside) all.push_back(one.to - one.from);
    }
  }
  if (all.empty()) return {};
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() * 99 / 100);
  std::nth_element(all.begin(), at, all.end());
  return {all.size(), std::chrono::duration_cast<std::chrono::milliseconds>(*at)};
}

}  // namespace cleave::test
