#include "http/framing.hpp"

#include <algorithm>
#include <charconv>

#include "http/chars.hpp"
#include "http/internal_wire.hpp"
#include "http/target.hpp"

namespace cleave::http {
namespace {

constexpr Refusal kBadLine{400, "malformed-request", "The request line is malformed."};
constexpr Refusal kBadTarget{400, "malformed-request", "The request target is malformed."};
constexpr Refusal kBadField{400, "malformed-request", "A header line is malformed."};
constexpr Refusal kBadHost{400, "bad-host", "Exactly one valid Host header is needed."};
constexpr Refusal kBadLength{400, "bad-length", "The length of the body is not stated clearly."};
constexpr Refusal kPreface{400, "malformed-request", "HTTP/2 is not spoken here."};
constexpr Refusal kBodyNotAllowed{400, "body-not-allowed", "This method takes no body."};
constexpr Refusal kTunnel{405, "method-not-allowed", "This method is not served."};
constexpr Refusal kNoLength{411, "length-required", "A Content-Length is needed."};
constexpr Refusal kTooLarge{413, "too-large", "The body is too large."};
constexpr Refusal kLongLine{414, "uri-too-long", "The request line is too long."};
constexpr Refusal kEncoded{415, "unsupported-encoding", "Encoded bodies are not taken."};
constexpr Refusal kExpectation{417, "expectation-failed", "This expectation cannot be met."};
constexpr Refusal kHeaders{431, "headers-too-large", "The headers are too large or too many."};
constexpr Refusal kMethod{501, "unknown-method", "This method is not known."};
constexpr Refusal kCoding{501, "unknown-coding", "Only the chunked transfer coding is known."};
constexpr Refusal kVersion{505, "version-not-supported", "Only HTTP/1.1 and HTTP/1.0 are spoken."};

/// Walks the head line by line and keeps what the last verdict needs.
class Parser {
 public:
  Parser(std::string_view bytes, const Limits& limits, Head& head, Refusal& refusal)
      : bytes_(bytes), limits_(limits), head_(head), refusal_(refusal) {}

  Parse run() {
    if (bytes_.empty()) return Parse::kMore;
    // One empty line before a request is ignored (RFC 9112, 2.2). Any other first byte that starts
    // no method, such as that of a TLS handshake, is judged before a line end is waited for.
    if (bytes_.front() == '\r') {
      if (bytes_.size() < 2) return Parse::kMore;
      if (bytes_[1] != '\n') return refuse(kBadLine);
      at_ = 2;
      if (at_ == bytes_.size()) return Parse::kMore;
    }
    if (!is(bytes_[at_], kToken)) return refuse(kBadLine);
    std::string_view line;
    Parse step = next_line(limits_.request_line, kLongLine, kBadLine, line);
    if (step == Parse::kComplete) step = request_line(line);
    if (step != Parse::kComplete) return step;
    const std::size_t start = at_;
    for (std::size_t count = 0;; ++count) {
      const std::size_t left = limits_.headers - std::min(at_ - start, limits_.headers);
      step = next_line(std::min(left, limits_.header_line), kHeaders, kBadField, line);
      if (step != Parse::kComplete) return step;
      if (line.empty()) break;
      if (count == limits_.header_count) return refuse(kHeaders);
      step = field(line);
      if (step != Parse::kComplete) return step;
    }
    head_.size = at_;
    return verdict();
  }

 private:
  Parse refuse(const Refusal& why) {
    refusal_ = why;
    return Parse::kRefused;
  }

  Parse next_line(std::size_t limit, const Refusal& too_long, const Refusal& bad,
                  std::string_view& line) {
    const std::string_view rest = bytes_.substr(at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      return rest.size() > limit ? refuse(too_long) : Parse::kMore;
    }
    if (end + 1 > limit) return refuse(too_long);
    if (end == 0 || rest[end - 1] != '\r') return refuse(bad);  // bare LF
    line = rest.substr(0, end - 1);
    at_ += end + 1;
    return Parse::kComplete;
  }

  Parse request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    if (first == std::string_view::npos) return refuse(kBadLine);
    const std::size_t second = line.find(' ', first + 1);
    if (second == std::string_view::npos) return refuse(kBadLine);
    head_.method = line.substr(0, first);
    target_ = line.substr(first + 1, second - first - 1);
    const std::string_view version = line.substr(second + 1);
    if (!all(head_.method, kToken) || target_.empty()) return refuse(kBadLine);
    if (head_.method == "PRI") return refuse(kPreface);  // RFC 9113, 3.4
    if (version.size() != 8 || !version.starts_with("HTTP/") || !is(version[5], kDigit) ||
        version[6] != '.' || !is(version[7], kDigit)) {
      return refuse(kBadLine);
    }
    if (version[5] != '1' || version[7] > '1') return refuse(kVersion);
    head_.http10 = version[7] == '0';
    const std::string_view m = head_.method;
    head_.unserved = m == "TRACE" || m == "CONNECT";
    // The target of a CONNECT names no path whose methods could be told.
    if (m == "CONNECT" && !target_.starts_with('/')) return refuse(kTunnel);
    body_needed_ = m == "POST" || m == "PUT" || m == "PATCH";
    if (!body_needed_ && !head_.unserved && m != "GET" && m != "HEAD" && m != "DELETE" &&
        m != "OPTIONS") {
      return refuse(kMethod);
    }
    return split_target();
  }

  Parse split_target() {
    if (target_ == "*") {
      head_.path = target_;
      return head_.method == "OPTIONS" ? Parse::kComplete : refuse(kBadTarget);
    }
    if (!target_.starts_with('/') && !split_absolute(target_, authority_, target_)) {
      return refuse(kBadTarget);
    }
    if (!valid_target(target_)) return refuse(kBadTarget);
    const std::size_t question = target_.find('?');
    head_.path = target_.substr(0, question);
    if (question != std::string_view::npos) head_.query = target_.substr(question + 1);
    return Parse::kComplete;
  }

  Parse field(std::string_view line) {
    cleave_header field;
    if (!split_field(line, field)) return refuse(kBadField);
    const std::string_view name = view(field.name);
    const std::string_view value = view(field.value);
    switch (name.size()) {  // most headers need no comparison at all
      case 2:
        if (iequals(name, "te")) return Parse::kComplete;
        break;
      case 4:
        if (iequals(name, "host")) {
          host_ = value;
          ++hosts_;
        }
        break;
      case 6:
        if (iequals(name, "expect")) {
          expect_ = value;
          return Parse::kComplete;
        }
        break;
      case 7:
        if (iequals(name, "upgrade") || iequals(name, "trailer")) return Parse::kComplete;
        break;
      case 10:
        if (iequals(name, "connection")) return connection(value);
        if (iequals(name, "keep-alive")) return Parse::kComplete;
        break;
      case 14:
        if (iequals(name, "content-length")) return content_length(value);
        break;
      case 16:
        if (iequals(name, "content-encoding")) encoded_ = true;
        if (iequals(name, "proxy-connection")) return Parse::kComplete;
        break;
      case 17:
        if (iequals(name, "transfer-encoding")) {
          coding_ = value;
          ++codings_;
          return Parse::kComplete;
        }
        break;
      case kDeadlineHeader.size():  // behind our gateway every request has one
        if (iequals(name, kDeadlineHeader)) {
          if (head_.deadline.empty()) head_.deadline = value;
          return Parse::kComplete;
        }
        break;
      default:
        break;
    }
    head_.headers.push_back(field);
    return Parse::kComplete;
  }

  Parse connection(std::string_view value) {
    connection_.push_back(value);
    return Parse::kComplete;
  }

  Parse content_length(std::string_view value) {
    if (++lengths_ > 1 || !all(value, kDigit)) return refuse(kBadLength);
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), head_.content_length);
    if (error != std::errc()) return refuse(kBadLength);  // empty, or 2^64 and more
    return Parse::kComplete;
  }

  /// Applies the Connection headers: persistence, and names that end at this hop (RFC 9110, 7.6.1).
  void apply_connection() {
    bool close = false, keep = false;
    for (std::string_view rest : connection_) {
      while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view name = trim(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (iequals(name, "close")) {
          close = true;
        } else if (iequals(name, "keep-alive")) {
          keep = true;
        } else {
          std::erase_if(head_.headers,
                        [name](const cleave_header& h) { return iequals(view(h.name), name); });
        }
      }
    }
    head_.keep_alive = !close && !head_.unserved && (!head_.http10 || keep);
  }

  /// What only the whole head can tell. Doubtful framing first: it is what attacks use.
  Parse verdict() {
    if (codings_ > 0) {
      if (lengths_ > 0 || codings_ > 1 || head_.http10) return refuse(kBadLength);
      if (!iequals(coding_, "chunked")) return refuse(kCoding);
      head_.chunked = true;
    }
    if (hosts_ > 1 || (hosts_ == 0 && !head_.http10)) return refuse(kBadHost);
    if (hosts_ == 1 && !valid_authority(host_)) return refuse(kBadHost);
    if (!authority_.empty() && !iequals(authority_, host_)) return refuse(kBadHost);
    if (!body_needed_ && (head_.chunked || head_.content_length > 0))
      return refuse(kBodyNotAllowed);
    if (body_needed_ && lengths_ == 0 && codings_ == 0) return refuse(kNoLength);
    if (encoded_) return refuse(kEncoded);
    if (!expect_.empty() && !head_.http10) {
      if (!iequals(expect_, "100-continue")) return refuse(kExpectation);
      head_.expect_continue = true;
    }
    if (head_.content_length > limits_.body) return refuse(kTooLarge);
    apply_connection();
    return Parse::kComplete;
  }

  std::string_view bytes_;
  const Limits& limits_;
  Head& head_;
  Refusal& refusal_;
  std::size_t at_ = 0;
  bool body_needed_ = false;
  bool encoded_ = false;
  int hosts_ = 0, lengths_ = 0, codings_ = 0;
  std::string_view target_, authority_, host_, coding_, expect_;
  std::vector<std::string_view> connection_;  // allocates only when the header is there
};

}  // namespace

std::string_view Head::header(std::string_view name) const noexcept {
  for (const cleave_header& header : headers) {
    if (iequals(view(header.name), name)) return view(header.value);
  }
  return {};
}

bool split_field(std::string_view line, cleave_header& field) noexcept {
  std::size_t colon = 0;
  while (colon < line.size() && is(line[colon], kToken)) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return false;
  const std::string_view value = trim(line.substr(colon + 1));
  if (!all(value, kField)) return false;
  field = {raw(line.substr(0, colon)), raw(value)};
  return true;
}

Parse parse_head(std::string_view bytes, const Limits& limits, Head& head, Refusal& refusal) {
  std::vector<cleave_header> headers = std::move(head.headers);  // keeps its capacity
  headers.clear();
  head = Head{};
  head.headers = std::move(headers);
  return Parser(bytes, limits, head, refusal).run();
}

}  // namespace cleave::http
