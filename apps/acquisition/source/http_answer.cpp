#include "acquisition/source/http_answer.hpp"

#include <charconv>
#include <limits>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace daq::source {

namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kLongestHead = 16384;  // bytes

}  // namespace

struct HttpAnswer::Parser {
  http::response_parser<http::string_body> of;
};

HttpAnswer::HttpAnswer() : parser_{std::make_unique<Parser>()} {
  parser_->of.header_limit(kLongestHead);
  parser_->of.body_limit(std::numeric_limits<std::uint64_t>::max());  // by limit_body(); Boost 1.74 takes none for zero
}
HttpAnswer::~HttpAnswer() = default;
HttpAnswer::HttpAnswer(HttpAnswer&&) noexcept = default;
HttpAnswer& HttpAnswer::operator=(HttpAnswer&&) noexcept = default;

std::size_t HttpAnswer::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (failed_.empty() && !done() && taken < bytes.size()) {
    if (has_head() && !longest_) break;
    const bool head = !has_head();
    boost::system::error_code error;
    const auto n = parser_->of.put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), error);
    taken += n;
    if (error && error != http::error::need_more) failed_ = "sends no answer of HTTP (" + error.message() + ")";
    if (longest_ && body().size() > *longest_) failed_ = "sends more than " + std::to_string(*longest_) + " bytes";
    if (n == 0 || (head && has_head())) break;  // the rest of a line is missing; or who asked looks at the head first
  }
  return taken;
}

void HttpAnswer::end() {
  if (done() || !has_head() || !longest_) return;
  boost::system::error_code ignored;  // then it is not done
  parser_->of.put_eof(ignored);
}

void HttpAnswer::limit_body(std::size_t bytes) {
  longest_ = bytes;
  if (length() && *length() > bytes)
    failed_ = "would send " + std::to_string(*length()) + " bytes (at most " + std::to_string(bytes) + ")";
  parser_->of.eager(true);
}

bool HttpAnswer::has_head() const { return parser_->of.is_header_done(); }
bool HttpAnswer::done() const { return parser_->of.is_done(); }
unsigned HttpAnswer::status() const { return parser_->of.get().result_int(); }
std::string HttpAnswer::header(std::string_view name) const {
  std::string all;
  const auto [first, last] = parser_->of.get().equal_range(boost::string_view{name.data(), name.size()});
  for (auto at = first; at != last; ++at) all += (at == first ? "" : ", ") + std::string{at->value()};
  return all;
}
std::optional<std::uint64_t> HttpAnswer::length() const {
  const auto length = parser_->of.content_length();
  return length ? std::optional<std::uint64_t>{*length} : std::nullopt;
}
bool HttpAnswer::keeps_alive() const { return parser_->of.keep_alive(); }
const std::string& HttpAnswer::body() const { return parser_->of.get().body(); }

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto number = [&text](std::optional<std::uint64_t>& value) {
    std::uint64_t found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (error != std::errc{}) return false;
    value = found;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  const auto mark = [&text](char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  };
  ContentRange range;
  if (!mark('*') && (!number(range.first) || !mark('-') || !number(range.last) || *range.last < *range.first))
    return std::nullopt;
  if (!mark('/') || (!mark('*') && !number(range.total)) || !text.empty()) return std::nullopt;
  return range;
}

}  // namespace daq::source
