/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zlib, liblzma and libzstd behind one call; each decoder of a file begins anew at every member. */
#include "input/capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define IN_BYTES 65536
#define GZIP_WINDOW (15 + 16) /* zlib.h: the largest window, with gzip's header */
#define XZ_MEMORY ((uint64_t)128 << 20) /* xz -9 takes 65 MiB */
#define ZSTD_WINDOW_LOG 27 /* 128 MiB, what zstd itself takes without --long */

enum codec { CODEC_PLAIN, CODEC_GZIP, CODEC_XZ, CODEC_ZSTD };

struct stream {
	int fd;
	enum codec codec;
	bool is_whole, was_sniffed, is_eof;
	off_t size; /* 0 where it is not known */
	size_t in_at, in_len;
	z_stream gzip;
	lzma_stream xz;
	ZSTD_DStream *zstd;
	uint8_t in[IN_BYTES];
};

static bool begins_with(const struct stream *stream, const char *magic, size_t len)
{
	return stream->in_len >= len && memcmp(stream->in, magic, len) == 0;
}

static enum codec find_codec(const struct stream *stream)
{
	if (begins_with(stream, "\x1f\x8b", 2))
		return CODEC_GZIP;
	if (begins_with(stream,
			"\xfd"
			"7zXZ\0",
			6))
		return CODEC_XZ;
	return begins_with(stream, "\x28\xb5\x2f\xfd", 4) ? CODEC_ZSTD : CODEC_PLAIN;
}

static bool start_codec(struct stream *stream)
{
	stream->codec = find_codec(stream);
	switch (stream->codec) {
	case CODEC_PLAIN: return true;
	case CODEC_GZIP: return inflateInit2(&stream->gzip, GZIP_WINDOW) == Z_OK;
	case CODEC_XZ:
		return lzma_stream_decoder(&stream->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
	case CODEC_ZSTD:
		stream->zstd = ZSTD_createDStream();
		return stream->zstd &&
		       !ZSTD_isError(ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax,
							    ZSTD_WINDOW_LOG));
	}
	return false;
}

int stream_open(const char *path, struct text_error *ret_error, struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct stat status;

	if (!stream) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	stream->is_whole = true;
	stream->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (stream->fd < 0) {
		int r = -errno;

		text_error_set(ret_error, 0, 0, "cannot open it: %s", strerror(-r));
		free(stream);
		return r;
	}
	if (fstat(stream->fd, &status) == 0 && S_ISREG(status.st_mode))
		stream->size = status.st_size;
	*ret_stream = stream;
	return 0;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->codec == CODEC_GZIP)
		inflateEnd(&stream->gzip);
	if (stream->codec == CODEC_XZ)
		lzma_end(&stream->xz);
	ZSTD_freeDStream(stream->zstd);
	if (stream->fd != STDIN_FILENO)
		close(stream->fd);
	free(stream);
}

/* What is written into it from now on is another file's, and its end would never come. */
static bool was_cut(const struct stream *stream)
{
	off_t at = lseek(stream->fd, 0, SEEK_CUR);
	struct stat status;

	return at > 0 && fstat(stream->fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_size < at;
}

static int read_fd(const struct stream *stream, uint8_t *buf, size_t size,
		   struct text_error *ret_error)
{
	ssize_t n = read(stream->fd, buf, size);

	if (n == 0 && was_cut(stream)) {
		text_error_set(ret_error, 0, 0, "somebody cut it while it was read");
		return -EIO;
	}
	if (n >= 0)
		return (int)n;
	if (errno == EINTR)
		return -EINTR;
	text_error_set(ret_error, 0, 0, "cannot read it: %s", strerror(errno));
	return -EIO;
}

/* Return: bytes that wait to be decompressed, 0 at the end, or as read_fd(). */
static int fill(struct stream *stream, struct text_error *ret_error)
{
	int n;

	if (stream->in_at < stream->in_len)
		return (int)(stream->in_len - stream->in_at);
	n = read_fd(stream, stream->in, sizeof(stream->in), ret_error);
	stream->is_eof = n == 0;
	stream->in_at = 0;
	stream->in_len = n > 0 ? (size_t)n : 0;
	return n;
}

static int damaged(const char *codec, const char *why, struct text_error *ret_error)
{
	text_error_set(ret_error, 0, 0, "the %s data are damaged: %s", codec, why);
	return -EIO;
}

static int read_gzip(struct stream *stream, uint8_t *buf, size_t size, struct text_error *ret_error)
{
	z_stream *gzip = &stream->gzip;
	int rc;

	gzip->next_in = stream->in + stream->in_at;
	gzip->avail_in = (uInt)(stream->in_len - stream->in_at);
	gzip->next_out = buf;
	gzip->avail_out = (uInt)size;
	rc = inflate(gzip, Z_NO_FLUSH);
	stream->in_at = stream->in_len - gzip->avail_in;
	stream->is_whole = rc == Z_STREAM_END;
	if (rc == Z_STREAM_END)
		inflateReset(gzip);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return damaged("gzip", gzip->msg ? gzip->msg : "not gzip", ret_error);
	return (int)(size - gzip->avail_out);
}

static const char *xz_error(lzma_ret rc)
{
	switch (rc) {
	case LZMA_MEMLIMIT_ERROR: return "they take more than 128 MiB of memory";
	case LZMA_OPTIONS_ERROR: return "a form that this liblzma does not know";
	case LZMA_MEM_ERROR: return "out of memory";
	default: return "not xz";
	}
}

static int read_xz(struct stream *stream, uint8_t *buf, size_t size, struct text_error *ret_error)
{
	lzma_stream *xz = &stream->xz;
	lzma_ret rc;

	xz->next_in = stream->in + stream->in_at;
	xz->avail_in = stream->in_len - stream->in_at;
	xz->next_out = buf;
	xz->avail_out = size;
	rc = lzma_code(xz, stream->is_eof ? LZMA_FINISH : LZMA_RUN);
	stream->in_at = stream->in_len - xz->avail_in;
	stream->is_whole = rc == LZMA_STREAM_END;
	if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		return damaged("xz", xz_error(rc), ret_error);
	return (int)(size - xz->avail_out);
}

static int read_zstd(struct stream *stream, uint8_t *buf, size_t size, struct text_error *ret_error)
{
	ZSTD_inBuffer in = {.src = stream->in, .size = stream->in_len, .pos = stream->in_at};
	ZSTD_outBuffer out = {.dst = buf, .size = size};
	size_t rc = ZSTD_decompressStream(stream->zstd, &out, &in);

	stream->in_at = in.pos;
	if (ZSTD_isError(rc))
		return damaged("Zstandard", ZSTD_getErrorName(rc), ret_error);
	stream->is_whole = rc == 0;
	return (int)out.pos;
}

static int decompress(struct stream *stream, uint8_t *buf, size_t size,
		      struct text_error *ret_error)
{
	switch (stream->codec) {
	case CODEC_GZIP: return read_gzip(stream, buf, size, ret_error);
	case CODEC_XZ: return read_xz(stream, buf, size, ret_error);
	case CODEC_ZSTD: return read_zstd(stream, buf, size, ret_error);
	case CODEC_PLAIN: break;
	}
	return 0;
}

/* A decoder may still hold what it did not put out yet, so it is asked before the file is. */
static int read_compressed(struct stream *stream, uint8_t *buf, size_t size,
			   struct text_error *ret_error)
{
	int n, waiting;

	for (;;) {
		waiting = fill(stream, ret_error);
		if (waiting < 0)
			return waiting;
		if (waiting == 0 && (stream->is_whole || stream->codec != CODEC_XZ))
			return 0;
		n = decompress(stream, buf, size, ret_error);
		if (n != 0 || waiting == 0)
			return n;
	}
}

int stream_read(struct stream *stream, uint8_t *buf, size_t size, struct text_error *ret_error)
{
	size_t waiting;
	int n;

	if (!stream->was_sniffed) {
		n = fill(stream, ret_error);
		if (n <= 0)
			return n;
		stream->was_sniffed = true;
		if (!start_codec(stream)) {
			text_error_set(ret_error, 0, 0, "out of memory");
			return -EIO;
		}
	}
	if (stream->codec != CODEC_PLAIN)
		return read_compressed(stream, buf, size, ret_error);
	waiting = stream->in_len - stream->in_at;
	if (waiting == 0)
		return read_fd(stream, buf, size, ret_error);
	waiting = waiting < size ? waiting : size;
	memcpy(buf, stream->in + stream->in_at, waiting);
	stream->in_at += waiting;
	return (int)waiting;
}

bool stream_is_whole(const struct stream *stream)
{
	return stream->is_whole;
}

int stream_progress(const struct stream *stream)
{
	off_t at = stream->size ? lseek(stream->fd, 0, SEEK_CUR) : -1;

	if (at < 0)
		return -1;
	return at < stream->size ? (int)(at * 100 / stream->size) : 100;
}
