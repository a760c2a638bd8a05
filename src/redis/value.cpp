#include "redis/value.hpp"

#include <charconv>
#include <system_error>

namespace cleave::redis {
namespace {

constexpr std::string_view kMagic = "cleave1 ";

int rank_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::kFloor:
      return 0;
    case Kind::kValue:
      return 1;
    case Kind::kGone:
      return 2;
  }
  return 0;
}

constexpr Kind kByRank[] = {Kind::kFloor, Kind::kValue, Kind::kGone};

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

/// Takes exactly `width` digits and a space; a width of 0 means up to the space.
bool take_number(std::string_view& text, std::size_t width, std::int64_t& value) noexcept {
  if (width == 0) width = text.substr(0, 20).find(' ');
  if (width == 0 || width >= text.size() || text[width] != ' ') return false;
  const char* const end = text.data() + width;
  const auto read = std::from_chars(text.data(), end, value);
  if (text[0] == '-' || read.ec != std::errc() || read.ptr != end) return false;
  text.remove_prefix(width + 1);
  return true;
}

}  // namespace

bool less(const Entry& a, const Entry& b) noexcept {
  if (a.version != b.version) return a.version < b.version;
  return rank_of(a.kind) < rank_of(b.kind);
}

std::string order_text(const Entry& entry) {
  std::string out;
  append_padded(out, entry.version, 19);
  out += ' ';
  out += static_cast<char>('0' + rank_of(entry.kind));
  return out;
}

std::string encode(std::string_view key, const Stored& stored) {
  const std::string_view body =
      stored.entry.body != nullptr ? std::string_view(*stored.entry.body) : std::string_view();
  std::string out;
  out.reserve(kMagic.size() + 64 + key.size() + body.size());
  out += kMagic;
  out += order_text(stored.entry);
  out += ' ';
  append_padded(out, stored.soft, 13);
  out += ' ';
  out += std::to_string(body.size());
  out += ' ';
  out += key;
  out += '\n';
  out += body;
  return out;
}

std::optional<Stored> decode(std::string_view key, const char* data, std::size_t size) {
  std::string_view text(data, size);
  if (!text.starts_with(kMagic)) return std::nullopt;
  text.remove_prefix(kMagic.size());
  Stored stored;
  std::int64_t rank = 0, length = 0;
  if (!take_number(text, 19, stored.entry.version) || !take_number(text, 1, rank) || rank > 2 ||
      !take_number(text, 13, stored.soft) || !take_number(text, 0, length)) {
    return std::nullopt;
  }
  if (!text.starts_with(key) || text.size() <= key.size() || text[key.size()] != '\n') {
    return std::nullopt;
  }
  text.remove_prefix(key.size() + 1);
  if (text.size() != static_cast<std::size_t>(length)) return std::nullopt;
  stored.entry.kind = kByRank[rank];
  stored.entry.body = std::make_shared<const std::string>(text);
  return stored;
}

const char* const kStoreScript = R"(
local old = redis.pcall('GET', KEYS[1])
if type(old) == 'string' then
  local order, size, at = string.match(old, '^cleave1 (%d+ [012]) %d+ (%d+) ()')
  local rest = KEYS[1] .. '\n'
  if order and #order == 21 and string.sub(old, at, at + #rest - 1) == rest
      and #old - (at + #rest - 1) == tonumber(size) and order > ARGV[1] then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
)";

}  // namespace cleave::redis
