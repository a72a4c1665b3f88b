/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reference of bench-web: libmicrohttpd with a handler that does nothing. empty_http ADDRESS PORT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <microhttpd.h>

static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **place)
{
	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_len;
	if (!*place) {
		*place = ctx;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, ctx);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, response,
			      MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END))
		return 1;
	pause();
	return 0;
}
