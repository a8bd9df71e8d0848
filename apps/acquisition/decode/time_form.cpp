#include "acquisition/decode/time_form.hpp"

#include "acquisition/decode/number.hpp"

namespace daq::decode {

namespace {

constexpr std::string_view kLetters = "YmdHMSz";  // in the order of CalendarTime
constexpr std::string_view kUnpadded = "mdHMS";   // may stand without a zero in front, behind '%-'
constexpr std::string_view kAll = "%Y %y %m %b %d %H %M %S %z %s %Q, %-m %-d %-H %-M %-S";
constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";

/// The month whose name stands at `p`; 0: none.
int month_at(const char* p, const char* end) {
  for (std::size_t month = 0; end - p >= 3 && month < 12; ++month) {
    const auto name = kMonths.substr(3 * month, 3);
    if ((p[0] | 0x20) == name[0] && (p[1] | 0x20) == name[1] && (p[2] | 0x20) == name[2]) return static_cast<int>(month) + 1;
  }
  return 0;
}

/// Ten digits of seconds since 1970, and decimals, of which nine count. @returns behind them; nullptr if there are none
const char* read_unix(const char* p, const char* end, char point, CalendarTime& out) {
  std::int64_t seconds = 0;
  for (int n = 0; n < 10; ++n, ++p) {
    if (p == end || !is_digit(*p)) return nullptr;
    seconds = seconds * 10 + (*p - '0');
  }
  if (seconds > 9'000'000'000) return nullptr;  // beyond UtcNanos
  std::int64_t nanos = 0;
  out.decimals = 0;
  if (end - p >= 2 && *p == point && is_digit(p[1])) {
    std::int64_t unit = 100'000'000;
    for (++p; p != end && is_digit(*p); ++p, unit /= 10, ++out.decimals) nanos += unit * (*p - '0');
  }
  out.whole = mth5::UtcNanos{std::chrono::seconds{seconds} + mth5::Nanos{nanos}};
  return p;
}

/// Thirteen digits of milliseconds since 1970.
const char* read_unix_ms(const char* p, const char* end, CalendarTime& out) {
  std::int64_t milliseconds = 0;
  for (int n = 0; n < 13; ++n, ++p) {
    if (p == end || !is_digit(*p)) return nullptr;
    milliseconds = milliseconds * 10 + (*p - '0');
  }
  if (milliseconds > 9'000'000'000'000) return nullptr;  // beyond UtcNanos
  out.whole = mth5::UtcNanos{std::chrono::milliseconds{milliseconds}};
  out.decimals = 3;
  return p;
}

/// How far a time is ahead of UTC.
const char* read_zone(const char* p, const char* end, CalendarTime& out) {
  out.ahead = {};
  if (p != end && *p == 'Z') return p + 1;
  if (p == end || (*p != '+' && *p != '-')) return nullptr;
  const int sign = *p++ == '-' ? -1 : 1;
  const auto two = [&](int below) {
    if (end - p < 2 || !is_digit(p[0]) || !is_digit(p[1])) return -1;
    const int value = (p[0] - '0') * 10 + (p[1] - '0');
    return value < below ? value : -1;
  };
  const int hours = two(15);
  if (hours < 0) return nullptr;
  p += 2;
  int minutes = 0;
  const bool colon = p != end && *p == ':';
  if (colon || (p != end && is_digit(*p))) {
    p += colon ? 1 : 0;
    minutes = two(60);
    if (minutes < 0) return nullptr;
    p += 2;
  }
  out.ahead = std::chrono::minutes{sign * (60 * hours + minutes)};
  return p;
}

constexpr int kYearsOfTwoDigitsBegin = 2000;

}  // namespace

const char* read_time_form(std::string_view form, const char* p, const char* end, CalendarTime& out, char point) noexcept {
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%' || ++i == form.size()) {  // check_time_form() has seen that nothing ends in %
      if (p == end || i == form.size() || *p++ != form[i]) return nullptr;
      continue;
    }
    const bool unpadded = form[i] == '-' && i + 1 < form.size();
    if (unpadded) ++i;
    if (form[i] == 's' || form[i] == 'Q') {
      p = form[i] == 's' ? read_unix(p, end, point, out) : read_unix_ms(p, end, out);
      if (p == nullptr) return nullptr;
      continue;
    }
    if (form[i] == 'z') {
      p = read_zone(p, end, out);
      if (p == nullptr) return nullptr;
      continue;
    }
    if (form[i] == 'b') {
      out.date[1] = month_at(p, end);
      if (out.date[1] == 0) return nullptr;
      p += 3;
      continue;
    }
    const int digits = form[i] == 'Y' ? 4 : 2;
    const char* const first = p;
    int value = 0;
    for (int n = 0; n < digits; ++n, ++p) {
      if (n > 0 && unpadded && (p == end || !is_digit(*p))) break;
      if (p == end || !is_digit(*p)) return nullptr;
      value = value * 10 + (*p - '0');
    }
    if (form[i] == 'S') {
      out.second = value;
      out.decimals = 0;
      if (end - p >= 2 && *p == point && is_digit(p[1])) {
        p = parse_number(first, end, out.second, out.decimals, point);
        if (p == nullptr) return nullptr;
      }
    } else if (form[i] == 'y') {
      out.date[0] = kYearsOfTwoDigitsBegin + value;
    } else {
      out.date[kLetters.find(form[i])] = value;
    }
  }
  return p;
}

bool gives(std::string_view form, char letter) noexcept {
  for (std::size_t i = 0; i + 1 < form.size(); ++i) {
    if (form[i] != '%') continue;
    if (form[++i] == '-' && i + 1 < form.size()) ++i;
    if (form[i] == letter) return true;
  }
  return false;
}

std::string unpadded_form(std::string_view form) {
  std::string all;
  for (std::size_t i = 0; i < form.size(); ++i) {
    all += form[i];
    if (form[i] != '%' || i + 1 == form.size()) continue;
    if (kUnpadded.find(form[i + 1]) != std::string_view::npos) all += '-';
    all += form[++i];
  }
  return all;
}

std::string check_time_form(std::string_view form, unsigned& parts) {
  parts = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      if (form[i] < ' ' || form[i] > '~') return "holds a character that is not printable ASCII";
      continue;
    }
    const bool unpadded = i + 2 < form.size() && form[i + 1] == '-' && kUnpadded.find(form[i + 2]) != std::string_view::npos;
    if (unpadded) ++i;
    const char letter = ++i == form.size() ? '\0' : form[i] == 'y' ? 'Y' : form[i] == 'b' ? 'm' : form[i];
    if (letter == 's' || letter == 'Q') {
      if ((parts & ~64U) != 0) return "gives with '%" + std::string{letter} + "' what it gives twice";
      parts |= 63;
      continue;
    }
    const auto part = letter == '\0' ? std::string_view::npos : kLetters.find(letter);
    if (part == std::string_view::npos) return "'%" + std::string{form.substr(i, 1)} + "' is not one of " + std::string{kAll};
    if ((parts >> part & 1U) != 0) return "gives '%" + std::string{form.substr(i, 1)} + "' twice";
    parts |= 1U << part;
  }
  return parts == 0 ? "gives no part of a time; it takes " + std::string{kAll} : "";
}

}  // namespace daq::decode
